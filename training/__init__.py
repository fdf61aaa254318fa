"""`python -m training STAGE`: what a Job runs."""
