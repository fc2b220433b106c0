#!/bin/bash
# Guess: a cache of executed pages has an entry for each page, so two pages in two folders, with equal code
# that reads its own folder's data, show two results.
# Seen with myst-nb 1.4.0 (jupyter-cache 1.0.1): the key is the code cells and the kernel, not the page nor
# its folder. The second page is not executed and shows the first one's number; there is no
# warning, and a build with -W succeeds. Which page is first decides what both say.
# Why it matters here: the build places each chapter's outputs into this cache; two chapters of equal code
# beside different data would show one result.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet install \
  sphinx==7.4.7 myst-nb==1.4.0 jupyter-cache==1.0.1 nbclient==0.11.0 ipykernel==7.4.0
cd "$work"
mkdir -p book/ten book/twenty
cat > book/conf.py << 'EOF'
extensions = ["myst_nb"]
nb_execution_mode = "cache"
EOF
echo 10 > book/ten/runs.txt
echo 20 > book/twenty/runs.txt
for page in ten twenty; do
  cat > "book/$page/page.md" << EOF
---
file_format: mystnb
kernelspec:
  name: python3
---
# The folder $page

\`\`\`{code-cell}
print("runs:", open("runs.txt").read())
\`\`\`
EOF
done
printf '# Top\n\n```{toctree}\nten/page\ntwenty/page\n```\n' > book/index.md
export PATH="$work/venv/bin:$PATH"
python -m sphinx -W -b html -d trees book out > log 2>&1
grep -ho '[a-z]*/page.md: Executed notebook' log
grep -o 'runs: [0-9]*' out/ten/page.html out/twenty/page.html
[ "$(grep -c 'Executed notebook' log)" -eq 1 ]
grep -q 'runs: 10' out/ten/page.html
grep -q 'runs: 10' out/twenty/page.html
