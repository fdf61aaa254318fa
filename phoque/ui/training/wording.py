"""Sentences of planning and launching a run that do not depend on data."""

PLAN_TITLE = "Make one of your own"
PLAN_HINT = "Choose, read what it may cost at most, copy the command."
PLAN_MODEL, PLAN_TARGET, PLAN_FLAVOR = "Model", "Where", "Machine"
PLAN_RUN, PLAN_HOURS, PLAN_ATTEMPTS = "Name of the run", "Time limit, hours", "Attempts"
TARGETS = [("Here, on this machine", "local"), ("Hugging Face Job", "jobs")]
COMMAND = "Command; without --yes a Job is only planned, and the whole plan is printed"
WITHOUT = "Left out: {}, which reads labelled files that are not part of the project."
NO_LOGIN = (
    "There is no button that starts it: this is not a Space in which one can log in. Copy the command "
    "and run it where you are logged in to the Hub."
)
NO_LIBRARY = (
    "There is no button that starts it: the libraries for logging in are missing. Install them with: "
    "pip install 'gradio[oauth]'"
)
FOR_OWNER = (
    "Logging in is for the owner of this Space only: it asks for the right to start Jobs and to make "
    "private storage on the account. Nobody else needs to log in."
)
LOGIN, LOGOUT = "Log in with Hugging Face", "Log out {}"
NOBODY = "The owner of this Space, {owner}, can start the Job from here after logging in."
STRANGER = (
    "You are logged in as {name}. Only {owner}, whose Space this is, can start a Job here; copy the "
    "command to start one of your own."
)
WELCOME = (
    "You are logged in as {owner}, whose Space this is. A Job is started with your own token, on your "
    "own account, and is paid by it."
)
PLAN_BUTTON, CONFIRM, ASK_AGAIN = "Show the plan", "Start this Job and pay for it", "Ask again"
NOT_A_JOB = "Choose Hugging Face Job above: what runs here is not started from a page."
PLANNED = "Nothing was sent or started yet. This is what would be started:"
NO_PLAN = "There is no plan to start. Show the plan first."
STARTED = "Job {id}: {stage}"
RUNS_ON, FOLLOW = "ran {ran} on {flavor}", "Bring the results home with: {}"
COST, FREE = (
    "Cost:",
    "It costs the time of this machine: about an hour for the lab model on two cores.",
)
