/* SPDX-License-Identifier: BSD-2-Clause */
/* A user's file of scenarios: one line says what is wrong, or each case is one that can be run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "lab/scenario_file.h"
#include "lab/step.h"

#define NR_VCPUS 2

static void check_case(const struct lab_case *c)
{
	struct lab_step step;
	char err[300];
	size_t i;
	json_t *json;

	require(*c->name && *c->group && *c->column);
	require(json_array_size(c->steps) >= 1 && json_array_size(c->steps) <= LAB_MAX_STEPS);
	json_array_foreach(c->steps, i, json)
		require(lab_step_parse(json, &step, err, sizeof(err)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("scenarios", MFD_CLOEXEC);
	struct lab_cases cases;
	char path[32], err[600] = "";
	char *suite;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (scenario_file_read(path, "/dev/null", NR_VCPUS, &cases, &suite, err, sizeof(err))) {
		require(cases.count && suite);
		for (size_t i = 0; i < cases.count; i++)
			check_case(&cases.list[i]);
		lab_cases_clear(&cases);
		free(suite);
	} else {
		require(*err && !strchr(err, '\n') && !cases.list && !suite);
	}
	close(fd);
	return 0;
}
