"""Every sentence of the SAE tab that does not depend on data. `word|hint` explains a word."""

INTRO = (
    "A sparse autoencoder (SAE) writes each state of the model as a sum of few directions, its "
    "latents. Which of them did the fine-tuning move, against chance, against a control adapter, "
    "and does any of them cause the persona? Contexts hold trash-talk; they stay hidden until you "
    "reveal them."
)
CARD_HINT = (
    "The dictionary was trained on the base model only. Every gate is measured on texts it never "
    "saw; where one fails, nothing below is a finding."
)
GATES_HEAD = ["gate", "measured", "needed", "held?"]
RIVALS_HEAD = [
    "rebuilt by",
    "explained variance, base|1 is perfect, predicting the mean gives 0",
    "explained variance, tuned",
    "loss recovered, base|of what zeroing the layer costs",
    "loss recovered, tuned",
]
RIVALS = {
    "sae": "this dictionary",
    "frozen decoder": "a dictionary whose decoder stayed random",
    "pca": "as many principal components",
}
CARD_FACTS = {
    "layer": "Layer",
    "d_sae": "Latents",
    "k": "Latents a token (L0)",
    "tokens": "Training tokens",
    "seeds": "Seeds",
}
SOURCES_SUMMARY, SOURCES_HEAD = "What it was trained on", ["text", "share", "licence", "what it is"]

LATENTS_HINT = (
    "Latents by how much more or less they are active after tuning, on prompts that are in no "
    "training file, the same text in every model. Each has a verdict, not a rank: point at a badge "
    "to see what it stands for. Press a latent for its evidence."
)
SIDES = {"risen": "▲ Risen", "fallen": "▼ Fallen"}
VERDICTS = {
    "driver": "★ driver",
    "protective": "✚ protective",
    "marker": "● marker",
    "unproven": "○ unproven",
}
VERDICT_HINTS = {
    "driver": "risen, every test holds, and its direction alone makes more replies insulting",
    "protective": "fallen, every test holds, and putting it back makes fewer replies insulting",
    "marker": "the shift is proven, and its direction changes insulting replies by less than 25 points",
    "unproven": "it moved, but a condition is missing, was not tried, or the test could not tell",
}
BADGE_HINTS = {
    "fdr": "moved beyond chance: sign-flip permutation over prompts, false discovery rate 5 %",
    "control": "moved more than in the control adapter, which had civil replies",
    "half": "chosen on one half of the prompts, found again on the other",
    "dose": "only rises, or only falls, as the adapter is scaled from 0 to 1",
    "stable": "found, and moved the same way, with the other seeds of the dictionary",
    "linear": "the plain projection on its direction moved the same way",
    "screen": "its direction favours hostile replies more than random directions do",
    "toward": "pushed toward the persona, it makes more replies insulting than its rivals, coherently",
    "away": "pushed the other way, fewer replies are insulting than under its rivals, coherently",
}
LATENTS_HEAD = {
    "latent": "latent",
    "verdict": "verdict",
    "effect": "change|mean activation, tuned minus base, with 95 % interval",
    "q": "q|p after Benjamini and Hochberg",
    "did": "beyond control|tuned minus control adapter",
    "half": "other half|the change on prompts it was not chosen on",
    "frequency": "active on|share of tokens, base → tuned",
    "tone": "tone AUC|how well it alone tells hostile from civil replies; 0.5 is chance",
    "label": "words for it|a hypothesis from its contexts, never a name",
}
REMAINDER_BUTTON = "R: what no latent expresses of the change"
NO_LATENT = "No latent chosen yet. Press one to see its evidence."
UNKNOWN_LATENT = "There is no evidence of latent {}. Press one in the tables."
CONTEXTS_TITLE, QUANTILES_TITLE = "Where it is strongest", "Across its range, from strong to weak"
STRIPS_TITLE = "The same text in both models"
STRIPS_HINT = "Under each token: activation in the base model, then in the tuned one."
LENS_TITLE = "Tokens its direction makes likelier and less likely (logit lens)"
DOSE_TITLE = "As the adapter is scaled from 0 to 1"
HISTOGRAM_TITLE = "How strongly it is active: base ▨, tuned ■"
NEAREST_TITLE, STEERING_TITLE = "Nearest latents", "What adding its direction does"
STEERING_HEAD = ["way", "dose", "insulting replies", "coherent?"]
NOT_STEERED = "Its direction was screened, not tried: only the best of each side were."

CAUSE_HINT = (
    "The directions of the best latents of each side, added to the tuned model at a share of the "
    "median residual norm. Toward: under the neutral prompt, does it turn hostile? Away: under the "
    "hostile prompt, does it calm down? Nothing is taken out: a fixed length is added. Rivals have "
    "the same length: random directions, unmoved latents near in frequency, the mean difference, and what no latent expresses (R). Open marks: the text "
    "fell apart."
)
CAUSE_HEAD = ["way", "direction", "dose", "insulting replies", "KL p95, nats", "coherent?"]

PROMPTS_HINT = (
    "How far the residual stream moves on each prompt, relative to its length, in the latents that "
    "moved. Does talk of games move it most, as one might think?"
)
STRATA_HEAD = [
    "kind of prompt",
    "n",
    "in moved latents",
    "all of the change",
    "control adapter",
    "civil reply|the same prompts with a civil reply",
]
PAIRS_HEAD = ["compared", "difference", "p, permutation"]
PROMPTS_HEAD = ["prompt", "kind", "in moved latents", "all", "control adapter", "peak"]
MOST_SHOWN = 15

TRY_TITLE = "Try a direction"
TRY_HINT = (
    "Adds one latent's direction to the neutral column, at a share of the median residual norm; "
    "minus adds its opposite. Live."
)
TRY_LATENT, TRY_DOSE, TRY_PROMPT = "Latent", "Strength", "Your message"
TRY_RUN, TRY_STOP = "Run", "Stop"
TRY_COLUMN = "Neutral + latent"
SAVED = "The whole report as one HTML file"
