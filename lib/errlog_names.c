/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Converts numbers in an RTAS event log to names and back, and errors to sentences. LoPAR tables
 * "RTAS Event Return Format (Fixed Part)" and the machine check section.
 */
#include <fwnmi/errlog.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A table of names indexed by number; NULL where the number has none. */
struct names {
	const char *const *name;
	unsigned count;
};

#define NAMES(array)                       \
	{                                  \
		(array), ARRAY_SIZE(array) \
	}

static const char *const severity_table[] = {
	[FWNMI_SEVERITY_NO_ERROR] = "no-error",
	[FWNMI_SEVERITY_EVENT] = "event",
	[FWNMI_SEVERITY_WARNING] = "warning",
	[FWNMI_SEVERITY_ERROR_SYNC] = "error-sync",
	[FWNMI_SEVERITY_ERROR] = "error",
	[FWNMI_SEVERITY_FATAL] = "fatal",
	[FWNMI_SEVERITY_ALREADY_REPORTED] = "already-reported",
};
static const struct names severities = NAMES(severity_table);

static const char *const disposition_table[] = {
	[FWNMI_DISPOSITION_FULLY_RECOVERED] = "fully-recovered",
	[FWNMI_DISPOSITION_LIMITED_RECOVERY] = "limited-recovery",
	[FWNMI_DISPOSITION_NOT_RECOVERED] = "not-recovered",
};
static const struct names dispositions = NAMES(disposition_table);

static const char *const initiator_table[] = {
	[FWNMI_INITIATOR_UNKNOWN] = "unknown",
	[FWNMI_INITIATOR_CPU] = "CPU",
	[FWNMI_INITIATOR_PCI] = "PCI",
	[FWNMI_INITIATOR_ISA] = "ISA",
	[FWNMI_INITIATOR_MEMORY] = "memory",
	[FWNMI_INITIATOR_POWER_MANAGEMENT] = "power-management",
	[FWNMI_INITIATOR_HOT_PLUG] = "hot-plug",
};
static const struct names initiators = NAMES(initiator_table);

static const char *const event_type_table[] = {
	[FWNMI_EVENT_OTHER] = "other",
	[FWNMI_EVENT_RETRY] = "retry",
	[FWNMI_EVENT_TCE_ERR] = "TCE-err",
	[FWNMI_EVENT_INTERN_DEV_FAIL] = "intern-dev-fail",
	[FWNMI_EVENT_TIMEOUT] = "timeout",
	[FWNMI_EVENT_DATA_PARITY] = "data-parity",
	[FWNMI_EVENT_ADDR_PARITY] = "addr-parity",
	[FWNMI_EVENT_CACHE_PARITY] = "cache-parity",
	[FWNMI_EVENT_ADDR_INVALID] = "addr-invalid",
	[FWNMI_EVENT_ECC_UNCORR] = "ECC-uncorr",
	[FWNMI_EVENT_ECC_CORR] = "ECC-corr",
	[FWNMI_EVENT_EPOW] = "EPOW",
	[FWNMI_EVENT_PLATFORM_RESOURCE_REASSIGNMENT] = "platform-resource-reassignment",
	[FWNMI_EVENT_PLATFORM_ERROR] = "platform-error",
	[FWNMI_EVENT_IO_EVENTS] = "ibm,io-events",
	[FWNMI_EVENT_PLATFORM_INFORMATION] = "platform-information",
	[FWNMI_EVENT_RESOURCE_DEALLOCATION] = "resource-deallocation",
	[FWNMI_EVENT_DUMP_NOTIFICATION] = "dump-notification",
	[FWNMI_EVENT_HOT_PLUG] = "hot-plug",
};
static const struct names event_types = NAMES(event_type_table);

static const char *const mc_type_table[] = {
	[FWNMI_MC_UE] = "UE",		[FWNMI_MC_SLB] = "SLB", [FWNMI_MC_ERAT] = "ERAT",
	[FWNMI_MC_UNKNOWN] = "unknown", [FWNMI_MC_TLB] = "TLB", [FWNMI_MC_D_CACHE] = "D-cache",
	[FWNMI_MC_I_CACHE] = "I-cache",
};
static const struct names mc_types = NAMES(mc_type_table);

static const char *const ue_table[] = {
	[FWNMI_UE_INDETERMINATE] = "indeterminate",
	[FWNMI_UE_IFETCH] = "ifetch",
	[FWNMI_UE_PAGE_TABLE_WALK_IFETCH] = "page-table-walk-ifetch",
	[FWNMI_UE_LOAD_STORE] = "load-store",
	[FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE] = "page-table-walk-load-store",
};
static const char *const slb_table[] = {
	[FWNMI_SLB_PARITY] = "parity",
	[FWNMI_SLB_MULTIHIT] = "multihit",
	[FWNMI_SLB_INDETERMINATE] = "indeterminate",
};
static const char *const erat_table[] = {
	[FWNMI_ERAT_PARITY] = "parity",
	[FWNMI_ERAT_MULTIHIT] = "multihit",
	[FWNMI_ERAT_INDETERMINATE] = "indeterminate",
};
static const char *const tlb_table[] = {
	[FWNMI_TLB_PARITY] = "parity",
	[FWNMI_TLB_MULTIHIT] = "multihit",
	[FWNMI_TLB_INDETERMINATE] = "indeterminate",
};

/* Indexed by machine check type; empty for a type without subtypes. */
static const struct names mc_subtypes[] = {
	[FWNMI_MC_UE] = NAMES(ue_table),
	[FWNMI_MC_SLB] = NAMES(slb_table),
	[FWNMI_MC_ERAT] = NAMES(erat_table),
	[FWNMI_MC_TLB] = NAMES(tlb_table),
};

static const char *name_of(const struct names *names, unsigned number)
{
	return number < names->count ? names->name[number] : NULL;
}

/* Returns the next character that matters for comparing names, in lower case; moves past it. */
static char next_significant(const char **s)
{
	char c;

	do {
		c = **s;
		if (c == '\0')
			return '\0';
		(*s)++;
	} while (c == ' ' || c == '-' || c == '_' || c == '/');
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(const char *a, const char *b)
{
	char c;

	do {
		c = next_significant(&a);
		if (c != next_significant(&b))
			return false;
	} while (c != '\0');
	return true;
}

static int number_of(const struct names *names, const char *name)
{
	if (!name)
		return FWNMI_ERR_INVALID;
	for (unsigned i = 0; i < names->count; i++)
		if (names->name[i] && same_name(names->name[i], name))
			return (int)i;
	return FWNMI_ERR_BADNAME;
}

static const struct names *subtypes_of(unsigned type)
{
	static const struct names none;

	return type < ARRAY_SIZE(mc_subtypes) ? &mc_subtypes[type] : &none;
}

const char *fwnmi_severity_name(unsigned severity)
{
	return name_of(&severities, severity);
}

const char *fwnmi_disposition_name(unsigned disposition)
{
	return name_of(&dispositions, disposition);
}

const char *fwnmi_initiator_name(unsigned initiator)
{
	return name_of(&initiators, initiator);
}

const char *fwnmi_event_type_name(unsigned type)
{
	return name_of(&event_types, type);
}

const char *fwnmi_mc_type_name(unsigned type)
{
	return name_of(&mc_types, type);
}

const char *fwnmi_mc_subtype_name(unsigned type, unsigned subtype)
{
	return name_of(subtypes_of(type), subtype);
}

int fwnmi_severity_parse(const char *name)
{
	return number_of(&severities, name);
}

int fwnmi_disposition_parse(const char *name)
{
	return number_of(&dispositions, name);
}

int fwnmi_initiator_parse(const char *name)
{
	return number_of(&initiators, name);
}

int fwnmi_event_type_parse(const char *name)
{
	return number_of(&event_types, name);
}

int fwnmi_mc_type_parse(const char *name)
{
	return number_of(&mc_types, name);
}

int fwnmi_mc_subtype_parse(unsigned type, const char *name)
{
	return number_of(subtypes_of(type), name);
}

const char *fwnmi_strerror(int error)
{
	static const char *const sentence[] = {
		[0] = "no error",
		[-FWNMI_ERR_INVALID] = "a value is out of range or contradicts another",
		[-FWNMI_ERR_NOSPACE] = "not enough space",
		[-FWNMI_ERR_TRUNCATED] = "the log ends before the length it states",
		[-FWNMI_ERR_BADVERSION] = "not a log of a version that is supported here",
		[-FWNMI_ERR_BADSTRUCTURE] = "a length in the log contradicts its surroundings",
		[-FWNMI_ERR_BADNAME] = "no such name",
		[-FWNMI_ERR_CPU] = "no such vCPU",
		[-FWNMI_ERR_PARAMETER] = "a notification routine is not callable where it is",
		[-FWNMI_ERR_MEMORY] = "guest memory cannot be accessed",
		[-FWNMI_ERR_BUSY] = "the vCPU already waits for a machine check to be delivered",
		[-FWNMI_ERR_NO_EVENT] = "the vCPU has no event to release",
		[-FWNMI_ERR_NO_CAUSE] = "this processor does not signal such an error",
		[-FWNMI_ERR_BADRECORD] = "not a state record, or a damaged one",
		[-FWNMI_ERR_FUTURE] = "a state record of a later version",
		[-FWNMI_ERR_MISMATCH] = "a state record of a partition that is made otherwise",
	};

	if (error > 0)
		return "no error";
	if (error < -(int)(ARRAY_SIZE(sentence) - 1))
		return "unknown error";
	return sentence[-error];
}
