"""The rival: 3DXTalker (arXiv 2602.10516, 2026), for our own benchmark. Reimplemented, no code of theirs.

Network, source noise, loss and sampler are the paper's. So are these choices, which are theirs to be judged by: every
number of the frame is generated, identity and detail included, and weighs the same in the loss; the first frame is the
reference; cross-attention has neither mask nor positions; no guidance, no geometric loss; 32 Euler steps.

What their published code does by mistake is repaired here:

- *dropped velocity*: dropout sat behind the output heads, on the predicted velocity; there is none there.
- *listening while training*: their frozen encoders ran in train mode, dropout and all; here speech is encoded before.
- *batch-wide envelope*: the envelope that scales the jaw's noise was stretched to 0..1 over the whole batch, 0/0 in
  silence and another scale at inference; here each sequence by itself, and silence gives zero.
- *skipped frame*: their loader lost a frame of every sample and refused clips under 11 s; windows are exact here.
- *doubled keys*: noise keys stood twice at each seam and a short last segment was hurried; here one every 25 frames.
- *swapped axes*: pitch, yaw and roll were put on the wrong axes; rotations here are those of ``schemas.units``.
- *still dimensions*: a dimension that never moves (shape, in our data) has no deviation to divide by; it has a floor.
- *counted padding*: padded frames enter neither the loss, nor attention, nor the batch norms.
- *encoders at every step*: both audio encoders ran again at each of the 32 steps; what does not change is made once.
- *ten seconds*: longer audio was cut off; here it is split, each part referred to the last frame of the one before.

Three inputs are not theirs. Speech is the warehouse's embedding, projected to the network's width where it is of
another (theirs: WavLM-base-plus, as it comes). The amplitude is the warehouse's envelope at 25 Hz, interpolated to 640
samples a frame (theirs: at 16 kHz). The emotion stream is prosody, log F0, voicing and log energy with their changes,
since emotion2vec's weights cannot be shipped.
"""
