"""Compiles policy/seccomp.json into the BPF program that user code and wardens run under, and the
shorter policy/porter.json into the one of porters.

The policy is an allow-list, so whatever it does not name fails with EPERM: an errno and never a
kill, because a killed thread makes libraries fail at random. Numbers above the highest this table knows give
ENOSYS, so that a newer libc takes its fallback path.
"""

import json
import os
import struct

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_GREATER = 0x25  # BPF_JMP | BPF_JGT | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

_OFFSET_NUMBER = 0
_OFFSET_ARCH = 4
_OFFSET_ARGS = 16

_AUDIT_ARCH_X86_64 = 0xC000003E
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_EPERM = 1
_ENOSYS = 38
# What a rule may answer instead of letting its calls through.
_ACTIONS = {"ENOSYS": _ENOSYS, "ENOTSUP": 95}
_INSTRUCTIONS_MAX = 4096


class PolicyError(Exception):
    """The policy file is not usable; the sandbox must not start."""


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _low_word(argument: int) -> int:
    """Offset of an argument's low 32 bits. The filtered arguments are ints or flags of which the
    kernel itself reads no more, so the high word cannot smuggle anything past the comparison."""
    return _OFFSET_ARGS + 8 * argument


def _condition(condition: dict) -> list[bytes]:
    """Instructions that fall through when the condition holds and return EPERM otherwise."""
    code = [_instruction(_LOAD, _low_word(condition["arg"]))]
    if "mask" in condition:
        code.append(_instruction(_AND, condition["mask"]))
    values = condition["one_of"]
    for position, value in enumerate(values):
        # A match jumps over the remaining comparisons and over the return behind them.
        code.append(_instruction(_JUMP_EQUAL, value, len(values) - position))
    code.append(_instruction(_RETURN, _ERRNO | _EPERM))
    return code


def _conditional_body(alternatives: list[list[dict]]) -> list[bytes]:
    """`alternatives` is a disjunction of conjunctions: each failing one hands on to the next."""
    body: list[bytes] = []
    for number, conjunction in enumerate(alternatives):
        last = number == len(alternatives) - 1
        block = [part for condition in conjunction for part in _condition(condition)]
        block.append(_instruction(_RETURN, _ALLOW))
        if not last:
            # The early returns of this block become jumps to the start of the next one.
            for position, part in enumerate(block[:-1]):
                if part == _instruction(_RETURN, _ERRNO | _EPERM):
                    distance = len(block) - position - 1
                    block[position] = struct.pack("=HBBI", 0x05, 0, 0, distance)
        body.extend(block)
    return body


def assemble(policy: dict, numbers: dict[str, int]) -> bytes:
    """The program for a policy. Raises PolicyError for unknown names, repeats or missing reasons."""
    program = [
        _instruction(_LOAD, _OFFSET_ARCH),
        # Another architecture is the 32-bit table behind int 0x80: closed as a whole.
        _instruction(_JUMP_EQUAL, _AUDIT_ARCH_X86_64, 1, 0),
        _instruction(_RETURN, _ERRNO | _EPERM),
        _instruction(_LOAD, _OFFSET_NUMBER),
        # Numbers with bit 30 set are the x32 table: closed as a whole.
        _instruction(_JUMP_GREATER, 0x3FFFFFFF, 0, 1),
        _instruction(_RETURN, _ERRNO | _EPERM),
        _instruction(_JUMP_GREATER, max(numbers.values()), 0, 1),
        _instruction(_RETURN, _ERRNO | _ENOSYS),
    ]
    seen: set[str] = set()
    for rule in policy["rules"]:
        if not rule.get("reason"):
            raise PolicyError(f"a rule without a reason: {rule.get('syscalls')}")
        action = _ERRNO | _ACTIONS[rule["action"]] if "action" in rule else _ALLOW
        for name in rule["syscalls"]:
            if name in seen:
                raise PolicyError(f"{name} is named twice")
            if name not in numbers:
                raise PolicyError(f"{name} is not a system call of this architecture")
            seen.add(name)
            body = (
                _conditional_body(rule["when"])
                if "when" in rule
                else [_instruction(_RETURN, action)]
            )
            if len(body) > 255:
                raise PolicyError(f"the conditions of {name} are too long")
            program.append(_instruction(_JUMP_EQUAL, numbers[name], 0, len(body)))
            program.extend(body)
    program.append(_instruction(_RETURN, _ERRNO | _EPERM))
    if len(program) > _INSTRUCTIONS_MAX:
        raise PolicyError(f"{len(program)} instructions, the kernel takes {_INSTRUCTIONS_MAX}")
    return b"".join(program)


def load_program(directory: str, policy_name: str = "seccomp.json") -> bytes:
    """Read a policy and the syscall table from `directory` and assemble them."""
    if os.uname().machine != "x86_64":
        raise PolicyError(f"no system call policy for {os.uname().machine}, only for x86_64")
    with open(os.path.join(directory, policy_name), encoding="utf-8") as file:
        policy = json.load(file)
    with open(os.path.join(directory, "syscalls_x86_64.json"), encoding="utf-8") as file:
        numbers = json.load(file)
    return assemble(policy, numbers)
