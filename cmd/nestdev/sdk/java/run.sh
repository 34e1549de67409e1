#!/usr/bin/env bash
# The steps of package sdk for openapi-generator's java; pom.xml pins what the
# client needs.
set -euo pipefail
. "$SDK/openapi-generator.sh"
LIB=$TOOLS/java-lib
case $1 in
install)
	install_openapi_generator
	sum=$(sha256sum pom.xml)
	if [ "$(cat "$LIB/installed" 2>/dev/null)" != "$sum" ]; then
		rm -rf "$LIB"
		mvn -q -B -C org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$LIB"
		echo "$sum" >"$LIB/installed"
	fi ;;
version) echo "openapi-generator $openapi_generator_version" ;;
generate) openapi_generator generate -c config.yaml -i "$SPEC" -o client ;;
build)
	find client/src/main -name '*.java' >sources
	# rawtypes: …Call methods take an ApiCallback of no type. static: errors are
	# read by client.getJSON().getGson(), a static method.
	javac -Xlint:all,-rawtypes,-static -Werror -d classes -cp "$LIB/*" @sources
	javac -Xlint:all -Werror -d classes -cp "classes:$LIB/*" Journey.java ;;
names) # types, and the calls as a user writes them
	find client/src/main/java/dev/nestpayments/client/{api,model} -name '*.java' -printf '%f\n' | sed 's/\.java$//'
	for api in Payment User Webhook; do
		sed -nE "s/^    public [A-Za-z<>]+ (\w+)\(.*throws ApiException.*/${api}Api.\1/p" "client/src/main/java/dev/nestpayments/client/api/${api}Api.java"
	done ;;
journey) java -cp "classes:$LIB/*" Journey ;;
esac
