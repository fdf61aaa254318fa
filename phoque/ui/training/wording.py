"""Every sentence of the training tab that does not depend on data. `word|hint` explains a word."""

INTRO = (
    "How a run was made: what it learned from, how it learned, how long each stage took; and the "
    "command for a run of your own, here or as a Hugging Face Job. Nothing on this page starts one."
)
RUN_LABEL, RUN_HINT = "Run", "The run that this page shows, and those in the folder runs."
CURVES_HINT = (
    "Loss: nats a token on the training batches. Gradient: its norm before clipping. LoRA B: norm of "
    "the half of the adapters that starts at 0, so it shows how far the weights moved. The control "
    "adapter had the same prompts and steps with civil replies."
)
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
PLAN_HINT = (
    "Choose, read what it may cost at most, copy the command. Nothing is started from this page."
)
PLAN_MODEL, PLAN_TARGET, PLAN_FLAVOR = "Model", "Where", "Machine"
PLAN_RUN, PLAN_HOURS, PLAN_ATTEMPTS = "Name of the run", "Time limit, hours", "Attempts"
TARGETS = [("Here, on this machine", "local"), ("Hugging Face Job", "jobs")]
COMMAND = "Command; without --yes a Job is only planned, and the whole plan is printed"
COST, FREE = (
    "Cost:",
    "It costs the time of this machine: about an hour for the lab model on two cores.",
)
