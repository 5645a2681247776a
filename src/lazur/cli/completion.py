"""`lazur completion`: what a shell runs to complete our command lines."""

from __future__ import annotations

from typing import Any

COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {"completion": ("completion", {})}
ARGUMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "completion": {
        "shell": {"options_list": [], "choices": ["bash", "zsh", "fish"], "help": "Your shell."}
    }
}
HELP: dict[str, dict[str, Any]] = {
    "completion": {
        "short-summary": "Print what completes command lines in your shell.",
        "examples": [
            {"name": "bash, in ~/.bashrc", "text": 'eval "$(lazur completion bash)"'},
            {"name": "zsh, in ~/.zshrc", "text": 'eval "$(lazur completion zsh)"'},
            {
                "name": "fish",
                "text": "lazur completion fish > ~/.config/fish/completions/lazur.fish",
            },
        ],
    }
}


def completion(shell: str) -> None:
    # Knack brings it, and completes with it.
    from argcomplete.shell_integration import shellcode  # noqa: PLC0415

    print(shellcode(["lazur"], shell=shell))
