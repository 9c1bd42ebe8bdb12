/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments of injections; see inject_args.h. libfwnmi decides what a machine check may say. This
 * file has the names, the defaults, and messages that say which arguments contradict each other.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "inject/inject_args.h"
#include "engine/memory.h"
#include "machine/planted_error.h"

#define MAX_TIMEOUT_S 3600
#define NO_SUBTYPE    (-1)

struct parse {
	json_t *args;
	bool system_reset;
	struct injection_request *injection;
	char *err;
	size_t err_size;
};

#define FAIL(p, ...) (snprintf((p)->err, (p)->err_size, __VA_ARGS__), false)

static bool given(const struct parse *p, const char *key)
{
	return json_object_get(p->args, key);
}

bool inject_args_address(const char *text, uint64_t *value)
{
	return number_parse(text, strlen(text), value);
}

static bool get_address(struct parse *p, const char *key, uint64_t *value, bool *valid)
{
	const json_t *v = json_object_get(p->args, key);

	*valid = v;
	if (!v)
		return true;
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		*value = (uint64_t)json_integer_value(v);
	else if (!json_is_string(v) || !inject_args_address(json_string_value(v), value))
		return FAIL(p, "bad %s: not an address", key);
	return true;
}

static bool get_bool(struct parse *p, const char *key, bool fallback, bool *value)
{
	const json_t *v = json_object_get(p->args, key);

	*value = v ? json_is_true(v) : fallback;
	if (v && !json_is_boolean(v))
		return FAIL(p, "bad %s: not true or false", key);
	return true;
}

/* Names that errlog.h's functions know. */
struct names {
	int (*parse)(const char *name);
	const char *(*name)(unsigned number);
};

static const struct names types = { fwnmi_mc_type_parse, fwnmi_mc_type_name };
static const struct names severities = { fwnmi_severity_parse, fwnmi_severity_name };
static const struct names dispositions = { fwnmi_disposition_parse, fwnmi_disposition_name };
static const struct names initiators = { fwnmi_initiator_parse, fwnmi_initiator_name };

#define MAX_NAMES 32 /* their numbers are bytes, most of them small */

static bool unknown_name(struct parse *p, const char *key, const struct names *names,
			 const char *text)
{
	const char *words[MAX_NAMES + 1], *near;
	size_t n = 0;

	for (unsigned i = 0; i <= UINT8_MAX && n < MAX_NAMES; i++) {
		words[n] = names->name(i);
		n += words[n] && names->parse(words[n]) >= 0;
	}
	words[n] = NULL;
	near = text_nearest(text, strlen(text), words);
	return FAIL(p, "bad %s: there is no %s %s%s%s%s", key, key, text,
		    near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

/* One of @names; @fallback without the key. */
static bool get_name(struct parse *p, const char *key, const struct names *names, uint8_t fallback,
		     uint8_t *value)
{
	const json_t *v = json_object_get(p->args, key);
	int n;

	*value = fallback;
	if (!v)
		return true;
	if (!json_is_string(v))
		return FAIL(p, "bad %s: not a name", key);
	n = names->parse(json_string_value(v));
	if (n < 0)
		return unknown_name(p, key, names, json_string_value(v));
	*value = (uint8_t)n;
	return true;
}

static bool get_count(struct parse *p, const char *key, json_int_t max, unsigned fallback,
		      unsigned *value)
{
	const json_t *v = json_object_get(p->args, key);

	*value = fallback;
	if (!v)
		return true;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return FAIL(p, "bad %s: not a number up to %lld", key, (long long)max);
	*value = (unsigned)json_integer_value(v);
	return true;
}

/* What the trigger says of CPUs. */
static enum trigger_cpus cpus_of_trigger(const json_t *args)
{
	const char *at = json_string_value(json_object_get(args, "at"));
	struct trigger trigger;
	char err[200];

	return at && trigger_parse(at, &trigger, err, sizeof(err)) ? trigger.cpus :
								     TRIGGER_CPUS_UNSAID;
}

enum inject_cpus inject_args_cpus(const json_t *args, bool system_reset)
{
	const char *cpus = json_string_value(json_object_get(args, "cpus"));

	switch (cpus_of_trigger(args)) {
	case TRIGGER_CPU:
		return INJECT_ONE_CPU;
	case TRIGGER_CPUS_ALL:
		return INJECT_ALL_CPUS;
	case TRIGGER_CPUS_OTHERS:
		return INJECT_OTHER_CPUS;
	case TRIGGER_CPUS_UNSAID:
		break;
	}
	if (json_object_get(args, "at") && !cpus)
		return INJECT_ONE_CPU;
	/* Like QEMU's nmi and the HMC's dumprestart: a kernel that dumps waits for every CPU. */
	if (system_reset && !cpus && !json_object_get(args, "cpu-index"))
		return INJECT_PARTITION;
	return !cpus ? INJECT_ONE_CPU : !strcmp(cpus, "all") ? INJECT_ALL_CPUS : INJECT_OTHER_CPUS;
}

static bool check_cpus(struct parse *p)
{
	const char *cpus = json_string_value(json_object_get(p->args, "cpus"));

	if (!given(p, "cpus"))
		return true;
	if (!cpus || (strcmp(cpus, "all") && strcmp(cpus, "others")))
		return FAIL(p, "bad cpus: not all or others");
	if (!strcmp(cpus, "all") && given(p, "cpu-index"))
		return FAIL(p, "cpu-index contradicts cpus all");
	return true;
}

/* "at", and what contradicts it. */
static bool parse_trigger(struct parse *p)
{
	const char *text = json_string_value(json_object_get(p->args, "at"));
	struct injection_request *in = p->injection;
	char why[200];

	if (!given(p, "at"))
		return true;
	if (!text)
		return FAIL(p, "bad at: not a text");
	if (!trigger_parse(text, &in->trigger, why, sizeof(why)))
		return FAIL(p, "bad at: %s", why);
	if (given(p, "now"))
		return FAIL(p, "now contradicts at: say ri=any there");
	if (in->trigger.cpus == TRIGGER_CPUS_UNSAID)
		return true;
	if (given(p, "cpus") || given(p, "cpu-index"))
		return FAIL(p, "cpu in at contradicts %s", given(p, "cpus") ? "cpus" : "cpu-index");
	in->vcpu = in->trigger.cpu;
	return true;
}

static bool parse_storm(struct parse *p)
{
	struct injection_request *in = p->injection;
	unsigned every;

	if (!get_count(p, "repeat", INJECT_MAX_REPEAT, 0, &in->repeat) ||
	    !get_count(p, "every", INT32_MAX, 0, &every))
		return false;
	if (given(p, "repeat") && !in->repeat)
		return FAIL(p, "bad repeat: not a number from 1 to %d", INJECT_MAX_REPEAT);
	if (given(p, "every") && !in->repeat)
		return FAIL(p, "every needs repeat");
	in->every = every;
	return true;
}

/* The arguments of every injection. */
static bool parse_place(struct parse *p)
{
	static const char *const contexts[] = { "any", "kernel", "user" };
	struct injection_request *in = p->injection;
	unsigned timeout;
	const char *name;
	bool now;

	/* The machine checks whether the CPU exists. */
	if (!check_cpus(p) || !get_count(p, "cpu-index", 65535, 0, &in->vcpu) ||
	    !get_count(p, "timeout", MAX_TIMEOUT_S, 10, &timeout) ||
	    !get_bool(p, "now", false, &now) || !parse_trigger(p) || !parse_storm(p))
		return false;
	if (!timeout)
		return FAIL(p, "bad timeout: must be at least 1 second");
	in->timeout_ms = timeout * 1000;
	if (now)
		in->trigger.ri = TRIGGER_RI_ANY;
	if (!given(p, "context"))
		return true;
	if (now)
		return FAIL(p, "now contradicts context: now means wherever the CPU is");
	if (in->trigger.context != INJECT_ANY)
		return FAIL(p, "context contradicts at, which says it already");
	name = json_string_value(json_object_get(p->args, "context"));
	for (unsigned i = 0; name && i < 3; i++) {
		if (!strcmp(name, contexts[i])) {
			in->trigger.context = (enum inject_context)i;
			return true;
		}
	}
	return FAIL(p, "bad context: not user, kernel or any");
}

static int default_subtype(unsigned type)
{
	switch (type) {
	case FWNMI_MC_UE:
		return FWNMI_UE_LOAD_STORE;
	case FWNMI_MC_SLB:
		return FWNMI_SLB_MULTIHIT;
	case FWNMI_MC_ERAT:
		return FWNMI_ERAT_MULTIHIT;
	case FWNMI_MC_TLB:
		return FWNMI_TLB_MULTIHIT;
	default:
		return NO_SUBTYPE;
	}
}

static bool unknown_subtype(struct parse *p, unsigned type, const char *text)
{
	const char *words[MAX_NAMES + 1] = { NULL }, *near;
	unsigned n = 0;

	while (n < MAX_NAMES && (words[n] = fwnmi_mc_subtype_name(type, n)))
		n++;
	near = text_nearest(text, strlen(text), words);
	return FAIL(p, "type %s has no subtype %s%s%s%s", fwnmi_mc_type_name(type), text,
		    near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool parse_type(struct parse *p)
{
	struct fwnmi_machine_check *mc = &p->injection->mc;
	const char *type, *name;
	int subtype;

	if (!get_name(p, "type", &types, FWNMI_MC_SLB, &mc->error_type))
		return false;
	type = fwnmi_mc_type_name(mc->error_type);
	subtype = default_subtype(mc->error_type);
	if (!given(p, "subtype")) {
		mc->error_subtype = subtype == NO_SUBTYPE ? 0 : (uint8_t)subtype;
		return true;
	}
	name = json_string_value(json_object_get(p->args, "subtype"));
	if (!name)
		return FAIL(p, "bad subtype: not a name");
	if (subtype == NO_SUBTYPE)
		return FAIL(p, "subtype %s contradicts type %s, which has none", name, type);
	subtype = fwnmi_mc_subtype_parse(mc->error_type, name);
	if (subtype < 0)
		return unknown_subtype(p, mc->error_type, name);
	mc->error_subtype = (uint8_t)subtype;
	return true;
}

static bool parse_addresses(struct parse *p)
{
	struct fwnmi_machine_check *mc = &p->injection->mc;
	const char *type = fwnmi_mc_type_name(mc->error_type);
	bool has_subtypes = default_subtype(mc->error_type) != NO_SUBTYPE;

	if (!get_address(p, "effective-address", &mc->effective_address,
			 &mc->effective_address_valid) ||
	    !get_address(p, "logical-address", &mc->logical_address, &mc->logical_address_valid) ||
	    !get_bool(p, "transient", mc->error_type == FWNMI_MC_UE, &mc->transient))
		return false;
	/* Types without subtypes have no addresses either. */
	if (mc->effective_address_valid && !has_subtypes)
		return FAIL(p, "effective-address contradicts type %s, which reports none", type);
	if (mc->logical_address_valid && mc->error_type != FWNMI_MC_UE)
		return FAIL(p, "logical-address contradicts type %s: only a UE reports one", type);
	if (given(p, "transient") && mc->error_type != FWNMI_MC_UE)
		return FAIL(p, "transient contradicts type %s: only a UE is transient or permanent",
			    type);
	if (!mc->effective_address_valid && has_subtypes && mc->error_type != FWNMI_MC_UE)
		p->injection->effective_address_is_nip = true;
	return true;
}

static bool parse_machine_check(struct parse *p)
{
	struct fwnmi_machine_check *mc = &p->injection->mc;
	uint8_t disposition;

	if (!parse_type(p) || !parse_addresses(p) ||
	    !get_name(p, "severity", &severities, FWNMI_SEVERITY_ERROR_SYNC, &mc->severity))
		return false;
	disposition = mc->severity == FWNMI_SEVERITY_FATAL ? FWNMI_DISPOSITION_NOT_RECOVERED :
							     FWNMI_DISPOSITION_FULLY_RECOVERED;
	if (!get_name(p, "disposition", &dispositions, disposition, &mc->disposition) ||
	    !get_name(p, "initiator", &initiators, FWNMI_INITIATOR_CPU, &mc->initiator))
		return false;
	if (!get_bool(p, "unsafe", false, &mc->unsafe_processor))
		return false;
	if (mc->severity == FWNMI_SEVERITY_FATAL &&
	    mc->disposition == FWNMI_DISPOSITION_FULLY_RECOVERED)
		return FAIL(p, "disposition fully-recovered contradicts severity fatal");
	if (fwnmi_machine_check_validate(mc) < 0)
		return FAIL(p, "no such machine check exists");
	return true;
}

/* What an argument can be for. */
enum {
	FOR_EVENT = 1,
	FOR_MACHINE_CHECK = 2,
	FOR_MEMORY = 4,
	FOR_PLANT = 8,
	FOR_UNPLANT = 16,
	FOR_RESET = 32,
};

static const struct argument {
	const char *key;
	unsigned use; /* FOR_* */
} arguments[] = {
	{ "cpu-index", FOR_EVENT | FOR_PLANT | FOR_UNPLANT },
	{ "cpus", FOR_EVENT },
	{ "context", FOR_EVENT },
	{ "now", FOR_EVENT },
	{ "at", FOR_EVENT },
	{ "timeout", FOR_EVENT },
	{ "repeat", FOR_EVENT },
	{ "every", FOR_EVENT },
	{ "swapped-srr", FOR_RESET },
	{ "type", FOR_MACHINE_CHECK | FOR_PLANT },
	{ "subtype", FOR_MACHINE_CHECK | FOR_PLANT },
	{ "severity", FOR_MACHINE_CHECK },
	{ "disposition", FOR_MACHINE_CHECK | FOR_PLANT },
	{ "initiator", FOR_MACHINE_CHECK },
	{ "unsafe", FOR_MACHINE_CHECK },
	{ "transient", FOR_MACHINE_CHECK },
	{ "effective-address", FOR_MACHINE_CHECK | FOR_PLANT | FOR_UNPLANT },
	{ "logical-address", FOR_MACHINE_CHECK },
	{ "address", FOR_MEMORY },
	{ "length", FOR_MEMORY | FOR_PLANT | FOR_UNPLANT },
	{ "heal-on-write", FOR_MEMORY },
	{ "pid", FOR_PLANT },
};
#define NR_ARGUMENTS (sizeof(arguments) / sizeof(arguments[0]))

/* FOR_* of an argument, 0 if there is no such. */
static unsigned use_of(const char *key)
{
	for (size_t i = 0; i < NR_ARGUMENTS; i++)
		if (!strcmp(arguments[i].key, key))
			return arguments[i].use;
	return 0;
}

/* Says that there is no such argument for what is done. */
static bool unknown_argument(struct parse *p, const char *key, unsigned use)
{
	const char *words[NR_ARGUMENTS + 1], *near;
	size_t n = 0;

	for (size_t i = 0; i < NR_ARGUMENTS; i++)
		if (arguments[i].use & use)
			words[n++] = arguments[i].key;
	words[n] = NULL;
	near = text_nearest(key, strlen(key), words);
	if (near)
		return FAIL(p, "unknown argument %s: did you mean %s?", key, near);
	return FAIL(p, "unknown argument %s", key);
}

static bool check_keys(struct parse *p)
{
	const unsigned wanted = FOR_EVENT | (p->system_reset ? FOR_RESET : FOR_MACHINE_CHECK);
	const char *key;
	json_t *value;

	if (p->args && !json_is_object(p->args))
		return FAIL(p, "bad arguments: not an object");
	json_object_foreach(p->args, key, value)
	{
		unsigned use = use_of(key);

		if (!(use & (FOR_EVENT | FOR_MACHINE_CHECK | FOR_RESET)))
			return unknown_argument(p, key, wanted);
		if (!(use & wanted))
			return FAIL(p,
				    use & FOR_RESET ?
					    "%s is for a system reset, not for machine checks" :
					    "%s is for machine checks, not for a system reset",
				    key);
	}
	return true;
}

int inject_args_parse(json_t *args, bool system_reset, struct injection_request *injection,
		      char *err, size_t err_size)
{
	struct parse p = { args, system_reset, injection, err, err_size };

	*injection = (struct injection_request){ .system_reset = system_reset };
	if (!check_keys(&p) || !parse_place(&p) || (!system_reset && !parse_machine_check(&p)) ||
	    (system_reset && !get_bool(&p, "swapped-srr", false, &injection->swapped_srr)))
		return -1;
	return 0;
}

static bool parse_poison(struct parse *p, bool heal, struct poison_request *request)
{
	bool has_address, has_length;
	const char *key;
	json_t *value;

	json_object_foreach(p->args, key, value)
	{
		if (!use_of(key))
			return unknown_argument(p, key, FOR_MEMORY);
		if (!(use_of(key) & FOR_MEMORY))
			return FAIL(p, "%s is not for memory", key);
	}
	if (!get_address(p, "address", &request->address, &has_address) ||
	    !get_address(p, "length", &request->length, &has_length) ||
	    !get_bool(p, "heal-on-write", false, &request->heal_on_write))
		return false;
	if (!has_address)
		return FAIL(p, "no address given");
	if (heal && given(p, "heal-on-write"))
		return FAIL(p, "heal-on-write is for poison");
	if (!has_length) {
		request->address &= ~(MEMORY_LINE - 1ull);
		request->length = MEMORY_LINE;
	}
	return true;
}

int inject_args_poison(json_t *args, bool heal, struct poison_request *request, char *err,
		       size_t err_size)
{
	struct parse p = { .args = args, .err = err, .err_size = err_size };

	*request = (struct poison_request){ 0 };
	return parse_poison(&p, heal, request) ? 0 : -1;
}

/* ---- errors in cached translations ---- */

#define PAGE 4096u

static bool parse_planted_error(struct parse *p, struct plant_request *request)
{
	const struct planted_error *error;
	uint8_t type, disposition, cache;
	const char *name;
	int subtype;

	if (!get_name(p, "type", &types, FWNMI_MC_TLB, &type))
		return false;
	error = planted_error_of(type, &cache);
	if (!error)
		return FAIL(p, "cannot plant a %s error: only SLB, TLB and ERAT",
			    fwnmi_mc_type_name(type));
	name = given(p, "subtype") ? json_string_value(json_object_get(p->args, "subtype")) :
				     "multihit";
	subtype = name ? fwnmi_mc_subtype_parse(type, name) : -1;
	if (subtype != error->multihit && subtype != error->parity)
		return FAIL(p, "bad subtype: only multihit and parity errors can be planted");
	if (!get_name(p, "disposition", &dispositions, FWNMI_DISPOSITION_FULLY_RECOVERED,
		      &disposition))
		return false;
	if (disposition == FWNMI_DISPOSITION_LIMITED_RECOVERY)
		return FAIL(p, "bad disposition: a planted error is repaired before the guest is "
			       "told, or it is not");
	request->error_type = type;
	request->multihit = subtype == error->multihit;
	request->recovered = disposition == FWNMI_DISPOSITION_FULLY_RECOVERED;
	return true;
}

/* The pages of the range; all there are without an address. */
static bool parse_pages(struct parse *p, struct plant_request *request)
{
	uint64_t address = 0, length = 1;
	bool has_address, has_length;

	if (!get_address(p, "effective-address", &address, &has_address) ||
	    !get_address(p, "length", &length, &has_length))
		return false;
	if (has_length && !has_address)
		return FAIL(p, "length needs an effective-address");
	if (!length || length - 1 > UINT64_MAX - address)
		return FAIL(p, "bad length: the range is empty or has no end");
	request->first = has_address ? address & ~(PAGE - 1ull) : 0;
	request->last = has_address ? (address + length - 1) | (PAGE - 1) : UINT64_MAX;
	/* The operating system has one set of tables for these, that of process 0. */
	if (request->first >> 62 != request->last >> 62 && has_address)
		return FAIL(p, "bad length: the range crosses a quadrant of the address space");
	return true;
}

static bool parse_process(struct parse *p, struct plant_request *request)
{
	bool is_kernel = request->first >> 62;

	request->any_process = !given(p, "pid") && !is_kernel;
	if (given(p, "pid") && is_kernel)
		return FAIL(p, "pid contradicts effective-address: it is the kernel's");
	return get_count(p, "pid", INT32_MAX, 0, &request->pid);
}

static bool parse_plant(struct parse *p, bool end, struct plant_request *request)
{
	const char *key;
	json_t *value;

	json_object_foreach(p->args, key, value)
	{
		if (!(use_of(key) & (end ? FOR_UNPLANT : FOR_PLANT)))
			return FAIL(p, "%s is not for %s planted errors", key,
				    end ? "clearing" : "planting");
	}
	request->all_vcpus = end && !given(p, "cpu-index");
	if (!get_count(p, "cpu-index", 65535, 0, &request->vcpu) || !parse_pages(p, request))
		return false;
	if (end)
		return true;
	if (!given(p, "effective-address"))
		return FAIL(p, "no effective-address given");
	return parse_planted_error(p, request) && parse_process(p, request);
}

int inject_args_plant(json_t *args, bool end, struct plant_request *request, char *err,
		      size_t err_size)
{
	struct parse p = { .args = args, .err = err, .err_size = err_size };

	*request = (struct plant_request){ 0 };
	if (args && !json_is_object(args)) {
		snprintf(err, err_size, "bad arguments: not an object");
		return -1;
	}
	return parse_plant(&p, end, request) ? 0 : -1;
}
