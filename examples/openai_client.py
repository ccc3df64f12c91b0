"""OpenAI's Python package: python examples/openai_client.py [URL] [MODEL]"""

import sys

from openai import OpenAI

url, model = (sys.argv[1:] + ["http://localhost:8000", "demo"][len(sys.argv) - 1 :])[:2]
client = OpenAI(base_url=f"{url}/v1", api_key="any")

first = client.responses.create(model=model, input="My name is Ada")
second = client.responses.create(model=model, input="What is my name?", previous_response_id=first.id)
print(second.output_text)
