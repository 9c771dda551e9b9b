# Everything is done by tools/setup.py, so that machines without make can do the same.
PYTHON ?= python3
RUN = .venv/bin/python

.PHONY: help demo test photos install format lint types bench package
.DEFAULT_GOAL := help

help:  ## list these targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo:  ## install what running needs into .venv and run the demo
	@$(PYTHON) tools/setup.py demo

test:  ## install the rest, fetch the photographs, run all checks and tests
	@$(PYTHON) tools/setup.py test

photos:  ## fetch the public-domain photographs into .cache/photos
	@$(PYTHON) tools/setup.py photos

install:  ## install what running needs into .venv
	@$(PYTHON) tools/setup.py install

format:  ## format the code
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .

lint:  ## check style and layers
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	.venv/bin/lint-imports

types:  ## check types
	$(RUN) -m mypy

bench:  ## measure speed (needs: .venv/bin/pip install -e '.[train,bench]')
	$(RUN) -m facerec bench detect
	$(RUN) -m facerec bench embed
	$(RUN) -m facerec bench cold-start

package:  ## make a folder that needs no Python, in build/dist (see docs/packaging.md)
	$(PYTHON) -m venv build/env
	build/env/bin/pip install pyinstaller '.[gui]'
	build/env/bin/pyinstaller --noconfirm --distpath build/dist --workpath build/work packaging/facerec.spec
