"""The composite form on the holder's side: what is kept, planned, told, proven and followed.

    records, vault   what a vault holds of it
    planning         which credentials answer which branch of a request, or what is missing
    presenting       the proof, checked before it is sent
    telling          what a person has to know: whether each attribute is shown, proven, escrowed, hidden
    sentences        the same as lines of text, in Chinese and in English

Everything for others is exported by `prover`. Only `prover.client` talks to anybody.
"""
