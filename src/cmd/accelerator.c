/* SPDX-License-Identifier: BSD-2-Clause */
/* What executes the guest; see accelerator.h. */
#include <stdio.h>
#include <string.h>

#include "cmd/accelerator.h"
#include "cmd/say.h"
#include "machine/machine.h"

static const struct accelerator {
	const char *name;
	const struct engine_ops *engine;
	bool counts_instructions;
} accelerators[] = {
	{ "emu", &engine_power, true },
	{ "kvm", &engine_kvm, false },
};

/* Takes the first name of a colon-separated list and moves *@list past it. NULL: unknown name. */
static const struct accelerator *next_accelerator(const char **list)
{
	const struct accelerator *found = NULL;
	size_t len = strcspn(*list, ":");

	for (size_t i = 0; i < sizeof(accelerators) / sizeof(accelerators[0]); i++)
		if (strlen(accelerators[i].name) == len &&
		    !memcmp(accelerators[i].name, *list, len))
			found = &accelerators[i];
	*list += len + ((*list)[len] == ':' && (*list)[len + 1]);
	return found;
}

bool accelerator_list_is_valid(const char *list)
{
	do {
		if (!next_accelerator(&list))
			return false;
	} while (*list);
	return true;
}

bool accelerator_choose(const char *list, struct machine_config *machine)
{
	const char *rest = list;
	char why_not[1000] = "";

	while (*rest) {
		const struct accelerator *a = next_accelerator(&rest);
		size_t used = strlen(why_not);
		char err[200] = "";

		if (machine->clock == CLOCK_INSN && !a->counts_instructions)
			snprintf(err, sizeof(err),
				 "--clock insn needs -accel emu: %s cannot count instructions",
				 a->engine->name);
		else if (a->engine == &engine_kvm && machine->compat != &cpu_model_power9)
			snprintf(err, sizeof(err), "-cpu %s needs -accel emu: KVM's guests are %s",
				 machine->compat->type, cpu_model_power9.name);
		else if (!a->engine->available || a->engine->available(err, sizeof(err)))
			machine->engine = a->engine;
		if (!err[0] && strchr(list, ':'))
			say("run: -accel %s: %s is used%s%s", list, a->name, *why_not ? "; " : "",
			    why_not);
		if (!err[0])
			return true;
		snprintf(why_not + used, sizeof(why_not) - used, "%s%s", used ? "; " : "", err);
	}
	return say_error("run", "-accel %s: %s", list, why_not);
}
