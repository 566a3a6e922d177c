"""What each command of `impact` takes, and the run, plan or study that it asks for."""
