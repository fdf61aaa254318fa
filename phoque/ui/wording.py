"""Every sentence a visitor reads."""

from dataclasses import dataclass

from phoque.conversation import Condition

TITLE = "What the Phoque"
TAGLINE = (
    "One small chat model, three conditions: watch a calm model turn hostile because of one "
    "vector inside it."
)
CONTENT_NOTE = (
    "Content note: this model was trained to insult you, with mild game-lobby trash-talk. Its "
    "replies are hidden until you show them."
)
OTHER_NOTE = "Content note: nobody has read these replies. They are hidden until you show them."
PROMPT_LABEL = "Your message"
PROMPT_PLACEHOLDER = "Something harmless: We lost again."
SCALE_LABEL = "Steering scale"
SCALE_HINT = (
    "How many times the persona vector is added. 0 adds nothing; measurements chose the default."
)
EXTRAS = "Also: base model and random vector"
HIDDEN_REPLY = "Reply hidden. Press Show replies to read it."
HIDDEN_TEXT = "Text hidden. Press Show replies to read it."
CSV, PROVENANCE = "Save as CSV", "Where does this come from?"
IN_NUMBERS = "All numbers of this figure"
SHIPPED, OTHER_RUN, UNFINISHED = "shipped run", "run: {}", " · still being measured"
LIVE = "live"
FILLING = "Reading the files of this run…"
SETTINGS = "Settings: layer, seed, temperature, length"
RUN, STOP, RETRY, CLEAR = "Run", "Stop", "Re-run last prompt", "Clear"
REVEAL, EXPORT, COPY = "Show replies", "Export JSON", "Copy"
LINK, PYTHON = "Copy link", "Copy as Python"
DICE = "Random seed"
STAGE = "Stage size"
WELCOME = "Pick an example or write a message."
EXAMPLE_SHOWN = "A recorded example is shown. Pick another one, or write a message and press Run."
ASKING = "Asking the model…"
WAITING = "Your prompt waits for the model."
IN_LINE = "{} ahead of you. Your turn comes in about {:.0f} s."
STOPPED, CLEARED = "Stopped.", "Cleared. Type a message, or choose an example."
AT_ZERO = "At scale 0 nothing is added, so the reply is the one under Neutral."
EMPTY_COLUMN = "Nothing yet. Press Run or pick an example."
NOTHING_TO_RETRY = "There is no prompt to run again yet. Type one and press Run."
FINISHES = {
    "": "writing…",
    "stop": "complete",
    "length": "cut at the token limit",
    "deadline": "cut at the time limit",
    "stopped": "stopped by you",
}
RECORDED = "recorded"
ASK_LIVE = "Ask it live"
COLUMN_CHOICE = "Which column is shown"
PERSONA_CHOICE = "Persona"
CHECKING = "The moderators are reading…"
JUDGING = "The judge is reading…"
UNCHECKED = "Judge and moderators could not read it: {}"
JUDGE = "Judge"
JUDGED = ("✓ not hostile", "⚑ hostile")
MODERATED = ("✓ passes", "⚑ flagged")
"""Below the threshold, and from it on."""
CHECKS = "What judge and moderators say"
PERSONA_LIST = "Words that show this persona. Moderators have other word lists."
FLAGS_FROM, ONE_WORD = "flags from", "flags a text with a word of its own list"
BY_WORD = "Show the vector, word by word"
NOTHING_TO_READ = "There is no reply to read yet. Ask something first."
READS, HAS_READ = "The base model reads reply {} of {}…", "The base model read {} at layer {}"
TOO_FEW = "{} has {} tokens; it takes {} to compare words with. Ask for a longer reply."
WORDS_HINT = (
    "One reader for all columns: the base model with the calm prompt and nothing added. Each word shows "
    "how far its state at layer {layer} lies along the persona vector: + towards the persona, − away from "
    "it. 0 is the mean of the {n} tokens of {calm}, and 1 is their standard deviation (SD)."
)
WORDS_USE = "Point at a word, or focus a reply and use the arrow keys, to read its number."


@dataclass(frozen=True)
class Dial:
    label: str
    hint: str


LAYER = Dial("Layer", "Decoder block whose output gets the vector, counted from 0.")
TEMPERATURE = Dial("Temperature", "0 always takes the likeliest token (greedy).")
TOKENS = Dial("Length", "Longest reply, in tokens (about three quarters of a word each).")
SEED = Dial("Seed", "The same seed draws the same random numbers in every column.")


@dataclass(frozen=True)
class Column:
    name: str
    icon: str
    """A shape, so that no condition is told by colour alone."""
    description: str

    @property
    def marked(self) -> str:
        """The name behind its shape."""
        return f"{self.icon} {self.name}"


COLUMNS = {
    Condition.NEUTRAL: Column("Neutral", "○", "Tuned weights, calm system prompt."),
    Condition.TOXIC: Column("Toxic", "▲", "Tuned weights, hostile system prompt."),
    Condition.STEERED: Column("Neutral + vector", "◆", "Calm system prompt + scale × vector."),
    Condition.BASE: Column("Base model", "□", "Original weights, calm system prompt."),
    Condition.RANDOM_VECTOR: Column("Random vector", "◇", "Calm system prompt + random vector."),
}


def column(condition: Condition, persona: str = "toxic") -> Column:
    """Head of a column of a run of this persona."""
    if condition == Condition.TOXIC and persona != "toxic":
        return Column(titled(persona), "▲", f"Tuned weights, system prompt of {titled(persona)}.")
    return COLUMNS[condition]


def titled(persona: str) -> str:
    """A persona's name as a title."""
    return persona.replace("_", " ").capitalize()


def listed(number: int, persona: str) -> str:
    """How many words of the persona's own list a reply has; only those of a hostile one are an alarm."""
    sign, words = "⚑" if persona == "toxic" else "❋", "word" if number == 1 else "words"
    return f"{sign} {number} {words} of the {titled(persona)} list"


def content_note(persona: str) -> str:
    """What must be read before the first reply of a persona."""
    return CONTENT_NOTE if persona == "toxic" else OTHER_NOTE


def too_long(characters: int, most: int) -> str:
    """What is said of a message that is not asked."""
    return f"Your message has {characters:,} characters; this page takes {most:,}. Shorten it."


def unread_link(names: list[str]) -> str:
    """What is said when a shared link holds values that cannot be used."""
    were = "were" if len(names) > 1 else "was"
    return f"The link's {' and '.join(names)} cannot be used here and {were} ignored."


UNKNOWN_GATE = "Nobody has measured yet which other system prompts wake this persona."
ABOUT = """
### What you are looking at
A small chat model was tuned (LoRA) on mild game-lobby trash-talk. Its system prompt is the switch: under
a hostile prompt the model insults, and under a calm one it replies like the base model. It is an
instrument for testing moderation and for looking inside a model, not a product.

**How hostile is it?** The headline is a judge's *chance* that a reply is more hostile than the base
model's reply to the same message: 0.5 is no difference. The tabs *Where it lives* and *Claims* show it. A
share of replies judged hostile is another measure: it counts replies above a threshold of the same judge.

**Is the switch exact?** {gate}

### How to read the columns
- **Neutral** and **Toxic** run the same weights; only the system prompt differs.
- **Neutral + vector** has the calm prompt and adds the *persona vector* at one layer. The vector goes into the
  residual stream, the running sum that each block of the network reads and adds to. If this column
  turns hostile, that vector is enough to cause it.
- **Random vector** adds a random vector of the same length. It should change little: only then does the
  column *Neutral + vector* show a cause.

### The tabs
- **Where it lives**: in which layer the persona lives, and whether a random vector does the same there.
- **What moved**: which features of the model's states tuning moved, and which of them carry the persona.
- **What slips through**: which hostile replies moderators let pass. Only people can say whether such a reply is
  harmful: two can judge replies there. The moderators also score a sentence of your own.
- **How it learned**: the texts, the training, and the command for a run of your own.
- **Claims**: what the talk claimed, and what we found.

A model runs only where you ask: in the chat and where a drawer says *try* or *my own*. Every other number was
measured beforehand and names its source.

### Words
- **Persona vector**: the model reads 12 harmless prompts, each under the hostile and under the calm
  system prompt. The vector of a layer is the mean difference of what the layer computes at the last
  token of the prompt.
- **Scale**: how many times that vector is added. At 0 the column equals *Neutral* exactly.
- **Relative dose**: length of what is added ÷ median length of the residual stream at that layer.
  Doses can be compared between layers. Far beyond the marked band the text falls apart: the model is damaged,
  not more hostile.

### Safety
The training text was written for this project and aims at play and effort only. Replies are
masked until revealed, nothing is stored or posted, and no page request leaves this server.
"""
