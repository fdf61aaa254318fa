"""All stages in order, here or as a Job; a retry goes on with the first stage that is not done."""
