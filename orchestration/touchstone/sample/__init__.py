"""Made-up extracts of every vendor, in the shapes and with the oddities of the real ones.

`python -m touchstone.sample INBOX`. A vendor is one module with a `generate(plan, workers)` function, listed in
`__main__.VENDORS`; what it shares with the others is here: `plan` (what to make, and when in the day things
happen), `lives` (the engine of events that tell a story), `files` (how extracts are written), `oddities` (odd and
damaged files), `workers` (processes).
"""
