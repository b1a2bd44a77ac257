#!/usr/bin/env bash
# Installs the peers that the benchmarks know into FOLDER:
#   bash benchmarks/peers.sh FOLDER && python -m benchmarks --peers FOLDER
# Python and npm packages; one that cannot be installed is left out.
set -euo pipefail

folder=${1:?usage: peers.sh FOLDER}
mkdir -p "$folder"
cd "$folder"
python3 -m venv venv
for package in mocktopus==0.2.0 stubllm==0.1.5 fakellm==0.3.5 llmock==0.2.2 mockllm==0.0.8; do
  venv/bin/pip install --quiet "$package" || echo "left out: $package"
done
if command -v npm >/dev/null; then
  [ -e package.json ] || echo '{"private": true}' > package.json
  for package in @copilotkit/aimock@1.43.0 @dwmkerr/mock-llm@0.1.29; do
    npm install --no-audit --no-fund --silent "$package" || echo "left out: $package"
  done
fi
