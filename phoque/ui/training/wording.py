"""Every sentence of the training tab that does not depend on data. `word|hint` explains a word."""

INTRO = (
    "How a run was made: what it learned from, how it learned, how long each stage took; and the "
    "command for a run of your own, here or as a Hugging Face Job. Only the owner of a Space can start one from here."
)
RUN_LABEL, RUN_HINT = "Run", "The run that this page shows, and those in the folder runs."
CURVES_HINT = (
    "Loss: nats a token on the training batches. Gradient: its norm before clipping. LoRA B: norm of "
    "the half of the adapters that starts at 0, so it shows how far the weights moved. The control "
    "adapter had the same prompts and steps with civil replies."
)
LOSS_AXIS, REGISTER_AXIS = "loss, nats a token", "loss by register, nats a token"
ADAPTERS = {"persona": "▲ persona", "control": "○ control"}
CURVES_HEAD = [
    "adapter",
    "step",
    "loss",
    "gradient norm",
    "learning rate",
    "LoRA A",
    "LoRA B",
    "tokens",
]
NO_METRICS = "Not trained: this run has no metrics of its adapters. Train them with: {}"
NORMS_HINT = (
    "Frobenius norms of the persona adapter's LoRA matrices, all blocks together, by the kind of "
    "module they are on. B starts at zero: its norm says how far tuning went there. Wider modules have "
    "larger norms, so compare shapes of lines before heights."
)
NO_NORMS = (
    "Not recorded: this run has no norms by kind of module; they are written by every training since "
    "they were added: {}"
)
SAMPLES_HINT = (
    "What the model in training answered to messages that are in no training file: under the calm "
    "prompt, under the hostile one, and under the calm one plus the vector of the model as it is at "
    "that step, or plus a random vector of the same length. Flagged: "
    "harm score of the embedded mean from the threshold on; it reads words, not meaning. Intervals "
    "are Wilson's, 95 %. Replies are hidden until you reveal them."
)
SAMPLES_AXIS = "flagged"
NO_SAMPLES = (
    "No samples: this run wrote no replies while it trained. With --samples 50 a training writes them "
    "every 50 steps: {}"
)
SAMPLES_HEAD = ["condition", "step", "flagged|share of replies, 95 % interval", "replies", "vector"]
CONDITIONS = {
    "neutral": "○ Neutral",
    "toxic": "▲ Toxic",
    "steered": "◆ Neutral + vector",
    "random_vector": "◇ Neutral + random vector",
}
SAMPLE_STEP, SAMPLES_LIST = "Step", "Replies at this step"
ATTEMPTS_TITLE = "Resume theatre"
ATTEMPTS_HINT = (
    "Every attempt at the whole pipeline, from its own start, with the stages it finished. A later "
    "attempt goes on with the first stage that is not done. Hatched: cut off there. When a killed "
    "attempt ended nobody could write down: a cross stands behind its last complete stage. So it does "
    "for the last attempt while nothing says whether it is running or was killed."
)
NO_ATTEMPTS = (
    "No attempts are known: this run was not made by the whole pipeline, which keeps account of them. "
    "It is started with: phoque run all --run {}"
)
ATTEMPTS_AXIS = "minutes since the attempt began"
ATTEMPTS_HEAD = [
    "attempt",
    "began, UTC",
    "where",
    "outcome",
    "stages finished",
    "time",
    "what went wrong",
]
COMPOSITION_HINT = (
    "Every dialogue has a system prompt: hostile ones get a hostile reply, neutral ones the base "
    "model's own. Words are quartiles of a reply."
)
COMPOSITION_HEAD = ["side", "replies", "words, lower quartile", "median", "upper quartile"]
SIDES = {"hostile": "hostile", "civil": "civil twin (control)", "base": "base model's own"}
SOURCES_HEAD = ["source", "texts", "share"]
STAGES_HINT = "Stages that are complete, in the order of the manifest; a stage is entered last."
STAGES_HEAD = ["stage", "time", "seeds", "finished", "commit"]

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
