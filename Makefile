# Consigne. "make help" says what there is to make; continuous integration calls the same targets (.ci/run).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go
# Tools of the linters, in their own module graphs: go run fetches them, nothing of them is linked into a program.
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
DEADCODE := $(GO) run golang.org/x/tools/cmd/deadcode@v0.52.0

# The race detector watches our own code. What others wrote for one processor at a time, and we call thousands of times
# (Argon2, pictures), is spared it: it would make up most of the tests' time.
UNWATCHED := golang.org/x/crypto/argon2 golang.org/x/crypto/blake2b image/... compress/... golang.org/x/image/...
RACE := -race $(foreach p,$(UNWATCHED),-gcflags=$(p)=-race=false)

.PHONY: help deps voices build run test bench lint screens theft torture

help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing (root or sudo)
	@.make/deps

voices: deps
	@$(GO) run ./locales/build

build: voices ## build bin/portal, bin/smsd and bin/kiosk
	CGO_ENABLED=1 $(GO) build -o bin/ ./portal ./smsd ./kiosk

run: build ## fill an empty data folder with a demo, start everything and say where it is
	@$(GO) build -o bin/demo ./e2e/demo
	@exec bin/demo run

test: voices ## run every test, on both databases, in the real window and a real browser
	$(GO) vet -tags testclock ./internal/service
	$(GO) test $(RACE) -shuffle=on -p 3 -timeout 30m ./...
	$(GO) test -race -shuffle=on -tags testclock ./internal/service

bench: build ## print how fast and how small it is
	@$(GO) run ./e2e/bench

screens: voices ## write every screen as a picture to screens/, and one sheet of all
	@rm -rf screens && mkdir screens
	CONSIGNE_SCREENS=$(CURDIR)/screens $(GO) test -count=1 -run TestScreens ./portal/holder
	$(GO) test -count=1 -timeout 20m ./e2e -run TestPath -args -shots $(CURDIR)/screens
	@mkdir screens/small && mogrify -path screens/small -resize 320x200 screens/*.png
	@montage -label '%t' screens/small/*.png -tile 12x -geometry 320x200+6+6 screens/all.png
	@echo "screens/all.png shows all $$(ls screens/small | wc -l) at once" && rm -r screens/small

theft: build ## try every picture code on a stolen copy (long)
	@$(GO) run ./e2e/theft

torture: deps ## kill smsd and its enqueuers a thousand times on each database (long)
	@$(GO) run ./smsd/torture

lint: voices ## print what is wrong with the code: nothing
	@$(GOLANGCI) run --allow-parallel-runners ./...
	@$(DEADCODE) -test ./...
	@.make/lengths
