"""How sure answers stay true when captures are damaged."""
