// SPDX-License-Identifier: BSD-2-Clause
/*
 * Forks, executes itself with arguments that its child verifies, and waits for it.
 */
#include "memory.h"
#include "registers.h"

#define CHILD_STATUS 42

static const char *const child_arguments[] = { "", "child", "a second argument", NULL };
static const char *const child_environment[] = { "FWNMI_LAB=child", "ANOTHER=", NULL };

static bool same_list(char *const *a, const char *const *b)
{
	for (; *a && *b; a++, b++)
		if (!same_text(*a, *b))
			return false;
	return !*a && !*b;
}

static int child(const struct environment *env)
{
	bool good;

	workload_name(env);
	good = workload_expect("the child's arguments are right",
			       same_list(env->argv + 1, child_arguments + 1), 1);
	good &= workload_expect("the child's environment is right",
				same_list(env->envp, child_environment), 1);
	registers_begin(env);
	registers_window();
	return good ? CHILD_STATUS : 1;
}

static void execute(const char *name)
{
	const char *arguments[4];
	long result;

	memcpy(arguments, child_arguments, sizeof(arguments));
	arguments[0] = name;
	result = VERIFIED(NR_execve, "/fork", arguments, child_environment);
	workload_failed("execve", result);
}

static void one_child(const char *name)
{
	long pid = VERIFIED(NR_fork);
	static int status;

	if (!pid)
		execute(name);
	if (pid < 0)
		workload_failed("fork", pid);
	workload_expect("wait4()", VERIFIED(NR_wait4, pid, &status, 0, 0), pid);
	if (status & 0x7f)
		workload_died(status & 0x7f);
	else
		workload_expect("the child's exit status", status >> 8 & 0xff, CHILD_STATUS);
}

int main_program(const struct environment *env)
{
	if (env->argc > 1)
		return child(env);
	registers_begin(env);
	memory_begin();
	workload_begin(env);
	for (;;) {
		one_child(env->argv[0]);
		memory_verify();
		workload_round();
	}
}
