"""Night after night: parameters made anew, judged by what days charged, in force or held back."""
