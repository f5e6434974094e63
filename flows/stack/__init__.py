"""The Prefect stack of one machine: a server, its workers, and what is deployed on them.

``lifecycle`` starts and stops it, ``keeper`` is the process that keeps the others alive, ``provision`` makes work
pools, deployments (``prefect.yaml``) and automations, ``report`` tells how it is. Only ``provision`` and the two
modules it calls import Prefect: the others are light.
"""
