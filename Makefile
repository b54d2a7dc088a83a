.PHONY: check test bench
check:
	ruff check .
	ruff format --check .
	mypy
test:
	pytest -n 2 --dist loadgroup
bench:
	python -m benchmarks
