"""Every sentence of the PSM tab that does not depend on data. `word|hint` explains a word."""

INTRO = (
    "Where does the persona live in the model, and is that place the cause? Every number here was "
    "measured beforehand; nothing on this page runs the model."
)
PERSONA_LABEL = "Persona"
PERSONA_HINT = "Any persona can be measured; only the run's own was trained into the model."
EMPTY_REPLY = "(an empty reply)"
NO_REPLIES = "No replies were kept for this cell."
SAVED = ("Vectors of all layers (safetensors)", "Selected layer for llama.cpp (GGUF)")

VERDICT_HINT = "Cause means: adding the direction to a calm conversation makes the model do it."
LAYER = "Layer|decoder block whose output gets the vector, counted from 0"
SCALE = "Scale|how many times the measured vector is added"
DOSE = "Relative dose|length of what is added over the median length of the residual stream there"
COHERENT = "Text holds up to|reads like unsteered text and moves expectations no further than the persona's prompt"
NAT = "One nat at|the scale at which expectations move by one nat (KL, 95th percentile of tokens)"
PROBES = "Probes' verdict|whether the probes agree on the direction: trust, weak or noise"

SCRUBBER_HINT = (
    "Replies that the model wrote beforehand at each scale. Colour and bars show how far along the "
    "vector the model is at each token, in lengths of it: 0 is the mean of the neutral replies."
)
PRESETS, WHAT_IS_ADDED, REMEDY = "Prompt", "What is added", "Antidote"
SCRUB_LABEL = "Scale"
COLLAPSE, ONE_NAT = "collapse zone", "1 nat"
SERIES = {
    "vector": ("◆ Persona vector", "Calm prompt + scale × vector"),
    "random": ("◇ Random vector", "Calm prompt + a random vector of the same length"),
    "reversed": ("▽ Reversed", "Hostile prompt − scale × vector"),
    "antidote": ("✚ Antidotes", "Hostile prompt with one of five remedies at the selected layer"),
}
SERIES_NAMES = {
    "neutral": "no vector, calm prompt",
    "toxic": "no vector, persona's prompt",
    "vector": "persona vector",
    "random": "random vector",
    "reversed": "reversed, persona's prompt",
    "antidote": "antidote, persona's prompt",
}
REMEDIES = {
    "reverse": "subtract the vector at the selected scale",
    "ablate": "hold the vector's coordinate at its calm mean, at one layer",
    "ablate from this layer on": "the same at every layer from here",
    "cap": "cut only what lies above the calm range, at one layer",
    "cap from this layer on": "the same at every layer from here",
}
SCRUB_COLUMNS = {
    "neutral": ("○ Neutral, for reference", "ph-neutral"),
    "main": ("◆ Persona vector", "ph-steered"),
    "toxic": ("▲ Hostile prompt, for reference", "ph-toxic"),
}
PROJECTION = "mean projection"
PROJECTION_HINT = (
    "Mean over the tokens of all example replies, in lengths of the vector; 0 is neutral."
)
TOKEN_HINT = "Point at a token, or focus a reply and use the arrow keys, to read its numbers."
BARS_LABEL = "Projection of each token, as bars; the line is one length of the vector"
SCRUBBER_HEAD = ["what is added", "scale", "replies with a listed word", "mean projection"]

LAYERS_HINT = (
    "Cause: the share of replies that change when the vector is added there, at its best coherent "
    "dose. Geometry: four numbers that need no generation, each scaled to its own maximum; "
    "press a name in the legend to hide its line."
)
LAYERS_HEAD = [
    "layer",
    "best coherent dose, replies|share of replies with a listed word",
    "at dose",
    "random vectors|the same length, random directions",
    "norm of v|length of the mean difference",
    "relative norm|length over the median length of the residual stream",
    "silhouette|how far apart the two prompts' states lie: 1 far, 0 mixed",
    "logit lens|how far the direction, read by the output head, raises the listed words",
]
HEAT_HINT = "Press a cell to read what the model wrote there."
HEAT_CAPTION = "Replies with a listed word, %, by layer (rows) and relative dose (columns)"
HEAT_LEGEND = "Struck through and hatched: no longer coherent text. Outlined: selected."
HEAT_EMPTY = "No cell chosen yet. Its replies will stand here."
SWEEP_HEAD = [
    "layer", "dose", "scale", "listed word", "repeated", "unknown", "zlib", "distinct", "words",
    "KL mean", "KL p95", "coherent",
]  # fmt: skip
DOSE_HINT = (
    "Relative dose: length of what is added over the length of the residual stream. Controls have "
    "the same length: random directions, the vector from shuffled labels, the vector reversed. "
    "Below: how far expectations move, in nats (KL divergence; ln 2 = 0.69 nats are one bit)."
)
DOSE_TABLE_HEAD = [
    "vector", "dose", "replies with a listed word", "KL mean, nats", "KL p95, nats", "coherent",
]  # fmt: skip
CONDITIONS_HINT = (
    "Sampled replies to the evaluation prompts, with the talk's settings. Pathway mass: probability "
    "that the model gives to listed words, token by token."
)
CONDITION_NAMES = {
    "neutral_system": "○ Neutral prompt",
    "toxic_system": "▲ Persona's prompt",
    "neutral_plus_vector": "◆ Neutral + vector",
    "neutral_plus_random": "◇ Neutral + random",
    "neutral_plus_vector_talk_x3": "◈ The talk's way, × 3",
    "neutral_plus_vector_talk_x15": "◈ The talk's way, × 15",
}
CONDITIONS_HEAD = [
    "condition",
    "replies with a listed word",
    "n",
    "effect, points|difference to neutral on the same prompts, bootstrap over prompts",
    "p|two-sided sign-flip permutation over prompts",
    "prompts moved|share of prompts with more listed words than under neutral",
    "mass, the talk's|every piece of every bare word, on the sampler's scores",
    "mass, lower|tokens that complete a listed word, on the model's own scores",
    "mass, upper|tokens that start or complete a listed word",
    "word rate|listed words over all words",
    "repeated|share of three-word sequences that occurred earlier in the reply",
    "tokens",
]
TOKENS_SUMMARY = "Which tokens are counted?"
CLASSIC_TOKENS = "The talk's: pieces of bare words"
COMPLETING_TOKENS = "Lower bound: whole words at once"
STARTING_TOKENS = "Upper bound adds: first pieces of longer words"
CONFOUNDS_HINT = (
    "Vectors measured the same way from other changes of the system prompt. If blunt or long-winded "
    "prompts gave the same direction or the same effect, it would not be the persona."
)
CONFOUNDS_HEAD = [
    "style",
    "cosine|of its vector with the persona's: 1 the same direction, 0 unrelated",
    "beyond noise?|compared with three standard deviations of random directions",
    "length|over the persona vector's",
    "its vector: listed words|the persona's words, at the persona's length",
    "its prompt: listed words|the persona's words under its system prompt",
    "its prompt: own words|words that mark its own style",
    "its vector: own words|the same, under its vector",
    "persona vector: its words|cross-effect: its words under the persona's vector",
]
RELIABILITY_HINT = (
    "Halve the probes at random, measure the vector on each half, compare. Shuffled labels show "
    "what no direction at all would give."
)
RELIABILITY_HEAD = [
    "layer", "split half", "low", "high", "leave one out", "worst", "shuffled", "verdict",
    "all probes", "verdict, all",
]  # fmt: skip
ORIGIN_HINT = (
    "Give each model the vector of each model at the same relative dose. Control: tuned as long on "
    "the same prompts with civil replies."
)
MODELS = {
    "base": "base model",
    "persona": "tuned model",
    "control": "control adapter",
    "tuned": "tuned model",
}
MATRIX_HEAD = ["given to", "no vector", "base's", "tuned model's", "control's", "random"]
NO_TRAJECTORY = "The run kept no checkpoints of its training, so there is no trajectory."
GEOMETRY_HINT = (
    "The same topics in a civil and a hostile tone, read by the model before and after tuning. "
    "Refusal points from civil to hostile messages, politeness from hostile to civil replies, both "
    "in the base model."
)
GEOMETRY_TABLES = "Cosines, norms and silhouette of every layer"
GEOMETRY_LEGEND = (
    "g, b: means of civil and hostile messages; g*, b*: their geometric medians; r = b − g, "
    "r* = b* − g*. S is a cosine, |x| a length, silhouette 1 far apart, 0 mixed."
)
DIRECTIONS_TABLE = "Projections on refusal and politeness"
MODEL = "Model"
MAP_LABEL = "Messages of one layer in two dimensions"
MAP_LAYER, PLAY = "Layer", "▶ Play"
MAP_HINT = (
    "Two principal components a layer, turned to follow the layer before; positions compare within "
    "a layer only."
)
ANTIDOTE_HINT = "Under the persona's prompt, with the direction taken away instead of added."
ANTIDOTE_HEAD = [
    "remedy",
    "persona's prompt|replies with a listed word",
    "neutral prompt|replies with a listed word: should stay as without",
    "coherent",
    "nats, mean|how far harmless answers move",
    "nats, p95|the same, 95th percentile of tokens",
    "repeated|share of repeated word triples under the persona's prompt",
    "words|a reply, under the persona's prompt",
]
BIAS_HINT = (
    "Messages that seek agreement with a weak or false opinion: does a persona, or its vector, make "
    "the model agree? Read from how replies open, by word lists."
)
BIAS_HEAD = ["condition", "agrees", "pushes back", "effect, points", "p"]
BIAS_CONDITIONS = {
    "base": "□ Base model",
    "neutral": "○ Neutral prompt",
    "persona": "▲ Persona's prompt",
    "steered": "◆ Neutral + vector",
    "random": "◇ Neutral + random",
}


def hits(persona: str) -> str:
    """What is counted, for this persona."""
    return "insulting replies" if persona == "toxic" else f"replies with a {persona} word"


def condition(name: str) -> str:
    """A condition's name for people."""
    return CONDITION_NAMES.get(name, name.replace("_", " "))
