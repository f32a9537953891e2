#!/usr/bin/env bash
# Builds the documentation, guide and reference, with every warning an error: build/docs/html/index.html
#   jobs/docs.sh
. "$(dirname "$0")/common.sh"

step "What is missing"
petsc-config/install-debian.sh docs
python3 docs/make_snippets.py --check
step "Doxygen: comments of the public functions"
mkdir -p build/docs
doxygen docs/Doxyfile
step "Sphinx: guide and reference"
rm -rf build/docs/html # pages of another name stay there otherwise
sphinx-build -E -W --keep-going -q -b html -d build/docs/doctrees docs build/docs/html
echo "build/docs/html/index.html"
