#!/usr/bin/env bash
# The steps of package sdk for openapi-generator's kotlin; pom.xml pins what the
# client needs, and the compiler.
set -euo pipefail
. "$SDK/openapi-generator.sh"
LIB=$TOOLS/kotlin-lib COMPILER=$TOOLS/kotlin-compiler
kotlinc() {
	java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$COMPILER/*:$LIB/*" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -no-stdlib -no-reflect -jvm-target 17 "$@"
}
case $1 in
install)
	install_openapi_generator
	sum=$(sha256sum pom.xml)
	if [ "$(cat "$LIB/installed" 2>/dev/null)" != "$sum" ]; then
		rm -rf "$LIB" "$COMPILER"
		copy=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
		mvn -q -B -C $copy -DincludeScope=runtime -DoutputDirectory="$LIB"
		mvn -q -B -C $copy -DincludeScope=provided -DoutputDirectory="$COMPILER"
		echo "$sum" >"$LIB/installed"
	fi ;;
version) echo "openapi-generator $openapi_generator_version" ;;
generate) openapi_generator generate -c config.yaml -i "$SPEC" -o client ;;
build)
	cp=$(printf '%s:' "$LIB"/*.jar)
	# USELESS_ELVIS: the client still allows for okhttp 4, where a body may be null.
	kotlinc -Werror -Xwarning-level=USELESS_ELVIS:disabled -d classes -cp "$cp" client/src/main/kotlin
	kotlinc -Werror -Wextra -d classes -cp "classes:$cp" Journey.kt ;;
names) # types, and the calls as a user writes them
	find client/src/main/kotlin/dev/nestpayments/client/{apis,models} -name '*.kt' -printf '%f\n' | sed 's/\.kt$//'
	for api in Payment User Webhook; do
		sed -nE "s/^    fun (\w+)\(.*/${api}Api.\1/p" "client/src/main/kotlin/dev/nestpayments/client/apis/${api}Api.kt"
	done ;;
journey) java -cp "classes:$LIB/*" JourneyKt ;;
esac
