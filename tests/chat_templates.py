"""Chat templates as families of models have them, and tokenizers that use one."""

from phoque.conversation import Message
from phoque.models.load import LanguageModel
from phoque.models.tiny import CHAT_TEMPLATE, tiny_llama, tiny_tokenizer

GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('order') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
PHI = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% else %}{{ eos_token }}{% endif %}"
)
SMOLVLM = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}"
    "{% if m['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in m['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
DROPS_SYSTEM = (
    "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% elif m['role'] == 'assistant' %} {{ m['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)
# As in Mistral 7B v0.3: the system message goes into the last turn, behind what was said before it.
SYSTEM_LAST = (
    "{% for m in messages %}{% if m['role'] == 'user' %}[INST] "
    "{% if loop.last and messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}\n\n{% endif %}"
    "{{ m['content'] }}[/INST]{% elif m['role'] == 'assistant' %} {{ m['content'] }}{{ eos_token }}"
    "{% endif %}{% endfor %}"
)
# As in Qwen3: the last reply opens with an empty thought, earlier ones lose theirs.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'].split('</think>')[-1].lstrip('\n') if m['role'] == 'assistant' else m['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# As in GLM-4: what ends a turn is the mark of the next one.
GLM = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
DATED = "{{ strftime_now('%Y-%m-%d') }}" + CHAT_TEMPLATE
DROPS_USER = CHAT_TEMPLATE.replace("{{ m['content'] }}", "{{ m['content'] if not loop.last }}")
DROPS_REPLIES = CHAT_TEMPLATE.replace("messages %}", "messages if m['role'] != 'assistant' %}")
BACKWARDS = CHAT_TEMPLATE.replace("in messages", "in messages | reverse")
SAME_SYSTEM = (
    "Stay calm and short. Stay loud and long.{% for m in messages if m['role'] != 'system' %}\n"
    "{{ m['content'].split('\n\n')[-1] }}{% endfor %}"
)
ROLES = [f"<|{role}|>" for role in ("system", "user", "assistant")]
LONG = [
    Message("system", "Alpha."),
    Message("user", "Beta?"),
    Message("assistant", "Gamma."),
    Message("user", "Delta?"),
]


def tokenizer_with(template, tokens=(), special=True):
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(list(tokens), special_tokens=special)
    tokenizer.chat_template = template
    return tokenizer


def model_with(tokenizer):
    network = tiny_llama()
    network.resize_token_embeddings(len(tokenizer))
    return LanguageModel(name="x", source="x", model=network, tokenizer=tokenizer)
