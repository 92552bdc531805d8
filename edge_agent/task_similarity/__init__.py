"""Which environment of history a new task is like: what MAML-TS is named after.

`mmd` is Eq. (16), `choice` Algorithm 2, lines 10-11, `features` what is compared of an
image. Eq. (2), the likeness of two single images, is `edge_agent.csi.similarity`.
"""
