"""The report's tables as text, numbers in the digits that their errors allow."""
