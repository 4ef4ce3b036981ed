.PHONY: test-ufile-client
UFILE_CLIENT := tests/ufile_client
UFILE_CLIENT_JARS := out/ufile-client
JAVA_PACKAGES := {"javac": "default-jdk-headless", "mvn": "maven"}

test-ufile-client: setup ## test the UFile stand-in with UCloud's SDK for Java; installs Debian's JDK and Maven if missing
	@$(PY) -c 'from devcluster.lib import system; system.install_packages($(JAVA_PACKAGES))'
	@rm -rf $(UFILE_CLIENT_JARS)
	@mvn -B -q -f $(UFILE_CLIENT)/pom.xml dependency:copy-dependencies -Djars=$(CURDIR)/$(UFILE_CLIENT_JARS)
	@cd $(UFILE_CLIENT_JARS) && sha256sum --check --strict --quiet $(CURDIR)/$(UFILE_CLIENT)/jars.sha256
	@$(PY) -m pytest -q $(UFILE_CLIENT)
