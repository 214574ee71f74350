"""Events that are posted to the operator's application, as OpenAI's webhooks are.

https://platform.openai.com/docs/guides/webhooks
"""
