#!/bin/bash
# Guess: a proof is content like any other; it may begin with a list, a formula or a code block, and what
# cannot be read is a warning.
# Seen with sphinx-proof 0.4.0 (Sphinx 7.4.7): the word "Proof." is glued to the first line of the source
# before it is parsed, so a leading list loses its first item to plain text and a leading display formula
# is shown as the source of its directive; no warning, and a build with -W succeeds. A
# theorem with the same content is whole, and so is a proof that begins with a sentence.
# Why it matters here: every theorem of the book has a proof, many begin with a formula; each begins with a
# sentence.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install sphinx==7.4.7 sphinx-proof==0.4.0
cd "$work"
mkdir book
echo 'extensions = ["sphinx_proof", "sphinx.ext.mathjax"]' > book/conf.py
cat > book/index.rst << 'EOF'
Two kinds
=========

.. prf:theorem::

   - rises
   - stays below one

.. prf:proof::

   - rises
   - stays below one

.. prf:proof::

   .. math:: a < b

   And so on.

.. prf:proof::

   In formulas:

   .. math:: a < b
EOF
"$work/venv/bin/python" -m sphinx -q -W -b html book out
sed -n '/<div class="proof/,/<\/section>/p' out/index.html | grep -v '^ *<\/\?\(div\|section\)' > seen
cat seen
[ "$(grep -c '<li><p>rises</p></li>' seen)" -eq 1 ]
[ "$(grep -c 'Proof. - rises' seen)" -eq 1 ]
[ "$(grep -c 'Proof. .. math:: a &lt; b' seen)" -eq 1 ]
[ "$(grep -c 'Proof. In formulas:' seen)" -eq 1 ]
grep -qF '\[a &lt; b\]' out/index.html
