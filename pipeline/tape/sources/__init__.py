"""The vendors' formats, each read into the same cleaned batches of tape."""
