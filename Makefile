# For those who expect one: each target is a task of deno.json.
DENO ?= $(shell command -v deno || echo npx -y deno@2.7.11)
export PREFIX DESTDIR

all:
	$(DENO) task build
install:
	$(DENO) task install
uninstall:
	$(DENO) task uninstall
test:
	$(DENO) task test
clean:
	rm -rf build coverage
deb:
	$(DENO) task package --format deb
rpm:
	$(DENO) task package --format rpm
dist:
	$(DENO) task dist

.PHONY: all install uninstall test clean deb rpm dist
