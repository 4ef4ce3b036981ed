##@ Security

# tests/checklist has the questions, with the tests and tools that answer each.
.PHONY: security
security: packages ## print the security checklist with a verdict from a check each (needs root)
	@$(PY) -m tests.checklist
