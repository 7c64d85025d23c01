"""`python -m sandbox`: one process that plays every party outside, until it is stopped."""

from __future__ import annotations

import argparse

import uvicorn

from sandbox.app import Options, build_app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="HTTP")
    parser.add_argument("--smtp-port", type=int, required=True)
    parser.add_argument("--data", required=True, help="the SQLite file that keeps every effect")
    parser.add_argument("--hooks", default="", help="where webhooks go: <url>/webhooks/{stripe,signature,bank}")
    parser.add_argument("--stripe-secret", default="whsec_c2FuZGJveC1zdHJpcGU=")
    parser.add_argument("--signature-secret", default="whsec_c2FuZGJveC1zaWduYXR1cmU=")
    parser.add_argument("--bank-secret", default="whsec_c2FuZGJveC1iYW5r")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--faults", default="", help="lost=0.02,error=0.02,slow=0.01,hook_dup=0.1,hook_late=0.1,hook_shuffle=0.1"
    )
    given = vars(parser.parse_args())
    port = given.pop("port")
    # "critical": a dropped connection, which faults ask for, is no error of the server.
    uvicorn.run(build_app(Options(**given)), host=given["host"], port=port, log_level="critical", access_log=False)


if __name__ == "__main__":
    main()
