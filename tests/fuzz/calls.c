/* SPDX-License-Identifier: BSD-2-Clause */
/* Any sequence of calls: one byte of configuration, then eight bytes per call. */
#include "calls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host *host = malloc(sizeof(*host));

	require(host);
	if (size > 0) {
		start(host, data[0]);
		for (size_t i = 1; i + 8 <= size; i += 8)
			make_call(host, data + i);
		check_record(host);
	}
	free(host);
	return 0;
}
