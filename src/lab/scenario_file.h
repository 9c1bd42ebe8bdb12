/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of cases that users write, as YAML. fwnmi-test(1) describes them; arguments of steps are
 * those of inject/inject_args.h, with triggers of inject/trigger.h.
 */
#ifndef FWNMI_LAB_SCENARIO_FILE_H
#define FWNMI_LAB_SCENARIO_FILE_H

#include "lab/suite.h"

#define SCENARIO_FILE_MAX  (1u << 20) /* bytes */
#define SCENARIO_MAX_CASES 100000

/**
 * scenario_file_read() - the cases of a file
 * @kernel: path of the kernel that they are for; its symbols are looked up
 * @nr_vcpus: of its guest
 * @suite: the suite's name, of the file's path and contents, to be given to free()
 *
 * returns: false, with one line in @err, "FILE:LINE:COLUMN: why" if it is the text's fault
 */
bool scenario_file_read(const char *path, const char *kernel, unsigned nr_vcpus,
			struct lab_cases *cases, char **suite, char *err, size_t err_size);

#endif
