"""Asks the state's registers over HTTP (BOX-10).

`gateway` is what the use cases see; `register` asks one register, with its kept answers, repetitions and
breaker; `transport` is the one place that speaks HTTP; `answers` reads what came.
"""
