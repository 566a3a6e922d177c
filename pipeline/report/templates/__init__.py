"""The pages as templates."""
