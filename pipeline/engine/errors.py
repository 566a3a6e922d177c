"""The one exception that reaches the user as a single line and exit code 2."""


class InputError(ValueError):
    """Input that cannot be used: the message names the file, row or key, what was found and what to
    do.
    """
