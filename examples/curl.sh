#!/bin/sh
# A conversation with curl: examples/curl.sh [URL] [CONVERSATION]
set -eu
url=${1:-http://localhost:8000}
id=${2:-curl}

say() {
  curl -sS --fail-with-body "$url/api/chat" -H 'Content-Type: application/json' \
    -d "{\"message\": \"$1\", \"conversation_id\": \"$id\"}"
  echo
}

say 'My name is Ada'
say 'What is my name?'
# As it is said: each line `data:` is a piece.
curl -sSN --fail-with-body "$url/api/chat/stream" -H 'Content-Type: application/json' \
  -d "{\"message\": \"Once more\", \"conversation_id\": \"$id\"}"
