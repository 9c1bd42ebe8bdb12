/* SPDX-License-Identifier: BSD-2-Clause */
/* Options that commands with a machine share; see machine_options.h. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cmd/machine_options.h"
#include "cmd/options.h"
#include "control/debugger.h"
#include "machine/machine.h"

const char *const machine_interrupts[] = {
	[PAPR_INTERRUPTS_XICS] = "xics",
	[PAPR_INTERRUPTS_XIVE] = "xive",
	[PAPR_INTERRUPTS_DUAL] = "dual",
	NULL,
};

const char *const machine_jits[] = {
	[ENGINE_JIT_AUTO] = "auto",   [ENGINE_JIT_OFF] = "off",	    [ENGINE_JIT_ON] = "on",
	[ENGINE_JIT_FORCE] = "force", [ENGINE_JIT_CHECK] = "check", NULL,
};

bool machine_interrupts_named(const char *name, enum papr_interrupts *interrupts)
{
	for (unsigned i = 0; machine_interrupts[i]; i++) {
		if (strcmp(name, machine_interrupts[i]))
			continue;
		*interrupts = (enum papr_interrupts)i;
		return true;
	}
	return false;
}

/*
 * Digits only, because strtoull() accepts blanks, signs and 0x. A number that is too large gives
 * the largest.
 */
static bool parse_digits(const char **text, uint64_t *value)
{
	const char *p = *text;

	*value = 0;
	while (*p >= '0' && *p <= '9') {
		*value = *value > (UINT64_MAX - 9) / 10 ? UINT64_MAX :
							  *value * 10 + (uint64_t)(*p - '0');
		p++;
	}
	if (p == *text)
		return false;
	*text = p;
	return true;
}

/* "size=1G" or "1G": returns what follows the key, if there is a key. */
const char *option_skip_key(const char *value, const char *key)
{
	size_t len = strlen(key);

	return strncmp(value, key, len) == 0 && value[len] == '=' ? value + len + 1 : value;
}

/*
 * Returns the shift of a size suffix and moves *@p past it. Without a suffix the unit is MiB, as in
 * QEMU.
 */
static unsigned size_suffix(const char **p)
{
	static const char letters[] = "KMGT";
	const char *found = **p ? strchr(letters, toupper((unsigned char)**p)) : NULL;

	if (!found)
		return 20;
	(*p)++;
	return 10 * (unsigned)(found - letters + 1);
}

/*
 * Parses "512", "512M" or "1.5G" into bytes. Too large gives the largest number; a fraction of a
 * byte gives an odd number.
 */
static bool parse_size(const char *text, uint64_t *size)
{
	uint64_t n, part = 0, unit = 1;
	const char *fraction;
	unsigned shift;

	if (!parse_digits(&text, &n))
		return false;
	if (*text == '.') {
		fraction = ++text;
		if (!parse_digits(&text, &part))
			return false;
		/* With more digits, not even TiB give a whole number of MiB. */
		for (; fraction < text && unit < 1000000; fraction++)
			unit *= 10;
		if (fraction < text || part >= unit)
			part = 1;
	}
	shift = size_suffix(&text);
	if (n >= UINT64_MAX >> (shift + 1))
		*size = UINT64_MAX;
	else
		*size = (n << shift) + (part << shift) / unit;
	if ((part << shift) % unit)
		*size |= 1;
	return !*text;
}

bool machine_option_memory(void *into, const struct command_option *option, const char *value,
			   char *why)
{
	uint64_t size;

	if (!parse_size(option_skip_key(value, "size"), &size))
		return option_bad(why, "not a size such as 512, 512M or 1.5G");
	if (size > MACHINE_MAX_RAM)
		return option_bad(why, "more than %llu GiB", MACHINE_MAX_RAM >> 30);
	if (size < MACHINE_MIN_RAM)
		return option_bad(why, "less than %llu MiB", MACHINE_MIN_RAM >> 20);
	if (size % (1u << 20))
		return option_bad(why, "not a whole number of MiB");
	*(uint64_t *)((char *)into + option->offset) = size;
	return true;
}

/*
 * Gets the next item of a comma-separated list and moves *@list past it. False: none, or too long.
 */
bool option_next_item(const char **list, char *item, size_t size)
{
	size_t len = strcspn(*list, ",");

	if (len >= size || ((*list)[len] && !(*list)[len + 1]))
		return false;
	memcpy(item, *list, len);
	item[len] = '\0';
	*list += len + ((*list)[len] == ',');
	return true;
}

/* What -smp counts. */
enum smp_key {
	CPUS,
	MAX_CPUS,
	SOCKETS,
	CORES,
	THREADS,
	DIES,
	CLUSTERS,
	SMP_KEYS
};

/* Sets one of the counts in -smp. */
static bool set_count(uint64_t counts[SMP_KEYS], const char *item, char *why)
{
	static const char *const keys[SMP_KEYS + 1] = { "cpus",	   "maxcpus", "sockets", "cores",
							"threads", "dies",    "clusters" };
	const char *value = strchr(item, '=');
	size_t len = value ? (size_t)(value - item) : 0, key = 0;

	if (value)
		value++;
	else
		value = item; /* means cpus */
	while (len && keys[key] && (strlen(keys[key]) != len || memcmp(keys[key], item, len)))
		key++;
	if (!keys[key])
		return option_bad(why, "unknown key %.*s", (int)len, item);
	if (!parse_digits(&value, &counts[key]) || *value)
		return option_bad(why, "not a number of CPUs");
	if (key == THREADS &&
	    (!counts[key] || counts[key] > PAPR_MAX_THREADS || counts[key] & (counts[key] - 1)))
		return option_bad(why, "a core has 1, 2, 4 or 8 threads");
	if (!counts[key] || counts[key] > ENGINE_MAX_VCPUS)
		return option_bad(why, "not 1..%d CPUs", ENGINE_MAX_VCPUS);
	if ((key == DIES || key == CLUSTERS) && counts[key] != 1)
		return option_bad(why, "a socket has cores, and nothing between: only %s=1",
				  keys[key]);
	return true;
}

/* As QEMU does: what is not given follows from the rest, and is cores rather than sockets. */
static bool set_topology(struct cpus_choice *choice, uint64_t counts[SMP_KEYS], char *why)
{
	const uint64_t threads = counts[THREADS] ? counts[THREADS] : 1;
	uint64_t sockets = counts[SOCKETS], cores = counts[CORES];

	if (!counts[CPUS])
		counts[CPUS] = counts[MAX_CPUS] ?
				       counts[MAX_CPUS] :
				       (sockets ? sockets : 1) * (cores ? cores : 1) * threads;
	if (counts[CPUS] > ENGINE_MAX_VCPUS)
		return option_bad(why, "not 1..%d CPUs", ENGINE_MAX_VCPUS);
	if (counts[MAX_CPUS] && counts[MAX_CPUS] != counts[CPUS])
		return option_bad(why, "CPUs cannot be added later: maxcpus must equal cpus");
	if (!cores)
		cores = counts[CPUS] / threads / (sockets ? sockets : 1);
	if (!sockets)
		sockets = cores ? counts[CPUS] / threads / cores : 0;
	if (!cores || sockets * cores * threads != counts[CPUS])
		return option_bad(why, "sockets, cores and threads do not make %u CPUs",
				  (unsigned)counts[CPUS]);
	choice->count = (unsigned)counts[CPUS];
	choice->topology =
		(struct papr_topology){ .threads = (unsigned)threads, .cores = (unsigned)cores };
	return true;
}

bool machine_option_cpus(void *into, const struct command_option *option, const char *value,
			 char *why)
{
	uint64_t counts[SMP_KEYS] = { 0 };
	const char *list = value;
	char item[40];

	do {
		if (!option_next_item(&list, item, sizeof(item)))
			return option_bad(why, "not a number of CPUs");
		if (!set_count(counts, item, why))
			return false;
	} while (*list);
	return set_topology((void *)((char *)into + option->offset), counts, why);
}

/* The aliases that @model can be compatible with, NULL: all; separated by commas. */
static const char *list_aliases(const struct cpu_model *model, char *list, size_t size)
{
	const struct cpu_model *m;
	size_t length = 0;

	list[0] = '\0';
	for (unsigned i = 0; (m = cpu_model_number(i)) != NULL; i++) {
		if (!m->alias || (model && (!cpu_model_can_be(model, m) ||
					    cpu_model_with_logical_pvr(m->logical_pvr) != m)))
			continue;
		length += (size_t)snprintf(list + length, size - length, "%s%s", length ? ", " : "",
					   m->alias);
	}
	return list;
}

/* The revisions of a version of the architecture differ in nothing that compatibility is about. */
static bool set_compat(struct cpu_choice *choice, const char *name, char *why)
{
	const struct cpu_model *compat = cpu_model_named(name);
	char list[128];

	if (!compat || !cpu_model_can_be(choice->cpu, compat))
		return option_bad(why, "%s is compatible with %s only", choice->cpu->name,
				  list_aliases(choice->cpu, list, sizeof(list)));
	choice->compat = cpu_model_with_logical_pvr(compat->logical_pvr);
	return true;
}

bool machine_option_cpu(void *into, const struct command_option *option, const char *value,
			char *why)
{
	struct cpu_choice *choice = (void *)((char *)into + option->offset);
	const char *rest = value;
	char item[40], list[128];

	choice->help = !strcmp(value, "help") || !strcmp(value, "?");
	if (choice->help)
		return true;
	choice->cpu = option_next_item(&rest, item, sizeof(item)) ? cpu_model_named(item) : NULL;
	if (!choice->cpu)
		return option_bad(why, "there are %s, and those of -cpu help",
				  list_aliases(NULL, list, sizeof(list)));
	choice->compat = choice->cpu;
	if (!*rest)
		return true;
	if (!option_next_item(&rest, item, sizeof(item)) || *rest || strncmp(item, "compat=", 7))
		return option_bad(why, "only compat=NAME can follow the processor");
	return set_compat(choice, item + 7, why);
}

void machine_list_cpus(void)
{
	const struct cpu_model *model;

	puts("Available CPUs:");
	for (unsigned i = 0; (model = cpu_model_number(i)) != NULL; i++) {
		printf("  %-16s PVR %08x\n", model->type, model->pvr);
		if (model->alias)
			printf("  %-16s (alias for %s)\n", model->alias, model->type);
	}
}

bool machine_option_debugger(void *into, const struct command_option *option, const char *value,
			     char *why)
{
	char reason[80];

	*(const char **)((char *)into + option->offset) = value;
	return debugger_where_is_valid(value, reason, sizeof(reason)) ||
	       option_bad(why, "%s", reason);
}
