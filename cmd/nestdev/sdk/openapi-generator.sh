# Sourced by the run.sh of every folder that uses openapi-generator, so that all
# use the same.
openapi_generator_version=7.25.0
openapi_generator_jar=$TOOLS/jars/openapi-generator-cli-$openapi_generator_version.jar

# -C: a jar whose checksum is not that of the registry fails.
install_openapi_generator() {
	if [ -e "$openapi_generator_jar" ]; then return; fi
	local new=$TOOLS/jars/new
	rm -rf "$new"
	mvn -q -B -C org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
		-Dartifact="org.openapitools:openapi-generator-cli:$openapi_generator_version" -DoutputDirectory="$new"
	mv "$new"/*.jar "$openapi_generator_jar"
	rmdir "$new"
}

openapi_generator() { java -jar "$openapi_generator_jar" "$@"; }
