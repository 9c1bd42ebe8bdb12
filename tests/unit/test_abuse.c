/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi in the hands of a host that does everything wrong: NULL for each pointer, vCPUs that do
 * not exist, memory that was never set up, calls too early and too late. Every exported function
 * has a row that says what it then returns. Best run with sanitizers.
 */
#include <limits.h>

#include <fwnmi/fwnmi.h>
#include <fwnmi/mce.h>

#include "unit.h"

/* The pointers that functions take. */
enum {
	F,
	CONFIG,
	OPS,
	REGS,
	MC,
	OUTCOME,
	BUF, /* bytes to read or to write */
	LOG, /* decoded */
	VISITOR,
	NAME,
	POINTERS
};

struct arguments {
	void *p[POINTERS];
	unsigned cpu;
	size_t size; /* of BUF */
	size_t memory; /* of F */
};

struct row {
	const char *name;
	/* The function's result as a number; of an event that is no error, the outcome's result. */
	int64_t (*call)(const struct arguments *a);
	unsigned needs; /* BIT() of each pointer */
	int64_t refusal; /* for NULL, and for memory that was not set up */
	int64_t no_cpu; /* if it is for a vCPU: for one that does not exist */
	int64_t empty; /* BUF is NULL, and has no bytes */
	int64_t early; /* on a partition that nothing has happened to */
	int64_t ended; /* on a partition that has ended */
};

#define BIT(pointer) (1u << (pointer))

/* ---- the calls ---- */

static const struct fwnmi_machine_check mc_of_vcpu = {
	.error_type = FWNMI_MC_SLB,
	.error_subtype = FWNMI_SLB_MULTIHIT,
	.severity = FWNMI_SEVERITY_ERROR_SYNC,
	.disposition = FWNMI_DISPOSITION_NOT_RECOVERED,
};

static int64_t after(int err, const struct fwnmi_outcome *outcome)
{
	/* An error leaves nothing to do. */
	if (err && outcome)
		assert_true(outcome->result == FWNMI_NOTHING &&
			    outcome->entry == FWNMI_ENTRY_NONE && outcome->write.length == 0);
	return err ? err : (int64_t)outcome->result;
}

static int64_t architected(const struct arguments *a)
{
	return after(fwnmi_architected(a->p[F], a->p[REGS], a->p[MC], a->p[OUTCOME]),
		     a->p[OUTCOME]);
}

static int64_t check_exception(const struct arguments *a)
{
	return fwnmi_check_exception(a->p[F], ~0u, false, a->p[BUF], a->size);
}

static int64_t config_error(const struct arguments *a)
{
	return fwnmi_config_error(a->p[CONFIG]) != NULL;
}

/* Numbers without a name have none, and no number is refused. */
static int64_t names(const char *(*name_of)(unsigned number))
{
	assert_null(name_of(UINT_MAX));
	assert_null(name_of(INT_MAX));
	for (unsigned number = 0; number < 1000; number++)
		name_of(number);
	return 0;
}

static int64_t disposition_name(const struct arguments *a)
{
	(void)a;
	return names(fwnmi_disposition_name);
}

static int64_t disposition_parse(const struct arguments *a)
{
	return fwnmi_disposition_parse(a->p[NAME]);
}

static int64_t end_log(const struct arguments *a)
{
	int length = fwnmi_end_log(a->p[F], a->p[BUF], a->size);

	return length < 0 ? length : length > 0;
}

static int64_t end_reason_text(const struct arguments *a)
{
	static const int reasons[] = { INT_MIN, -1, 0, 1, 2, 3, INT_MAX };

	(void)a;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		assert_non_null(fwnmi_end_reason_text((enum fwnmi_end_reason)reasons[i]));
	return 0;
}

static int64_t errlog_decode(const struct arguments *a)
{
	return fwnmi_errlog_decode(a->p[LOG], a->p[BUF], a->size);
}

static int64_t errlog_encode(const struct arguments *a)
{
	return fwnmi_errlog_encode(a->p[LOG], a->p[BUF], a->size);
}

static const uint8_t whole_log[8] = { 6, 0x20, 0, 0xe0 };

static int64_t errlog_fit(const struct arguments *a)
{
	assert_int_equal(fwnmi_errlog_fit(NULL, 8, a->p[BUF], a->size), FWNMI_ERR_INVALID);
	return fwnmi_errlog_fit(whole_log, sizeof(whole_log), a->p[BUF], a->size);
}

static int64_t errlog_print(const struct arguments *a)
{
	int length = fwnmi_errlog_print(a->p[LOG], a->p[BUF], a->size);

	if (a->p[BUF] && length < 0)
		assert_int_equal(*(char *)a->p[BUF], '\0');
	return length < 0 ? length : length > 0;
}

static int64_t errlog_visit(const struct arguments *a)
{
	fwnmi_errlog_visit(a->p[LOG], a->p[VISITOR], NULL);
	return 0;
}

/* BUF holds a log, of which this takes the first bytes. */
static int64_t event_queue(const struct arguments *a)
{
	return fwnmi_event_queue(a->p[F], FWNMI_EVENT_SCAN, FWNMI_CLASS_EPOW, a->p[BUF],
				 a->size < 8 ? a->size : 8);
}

static int64_t event_scan(const struct arguments *a)
{
	return fwnmi_event_scan(a->p[F], ~0u, true, a->p[BUF], a->size);
}

static int64_t event_type_name(const struct arguments *a)
{
	(void)a;
	return names(fwnmi_event_type_name);
}

static int64_t event_type_parse(const struct arguments *a)
{
	return fwnmi_event_type_parse(a->p[NAME]);
}

static int64_t events_pending(const struct arguments *a)
{
	assert_int_equal(fwnmi_events_pending(a->p[F], (enum fwnmi_event_source)77, ~0u), 0);
	return fwnmi_events_pending(a->p[F], FWNMI_CHECK_EXCEPTION, ~0u);
}

static int64_t handlers_stand(const struct arguments *a)
{
	return fwnmi_handlers_stand(a->p[F]);
}

static int64_t init(const struct arguments *a)
{
	return fwnmi_init(a->p[F], a->memory, a->p[OPS], NULL, a->p[CONFIG]);
}

static int64_t initiator_name(const struct arguments *a)
{
	(void)a;
	return names(fwnmi_initiator_name);
}

static int64_t initiator_parse(const struct arguments *a)
{
	return fwnmi_initiator_parse(a->p[NAME]);
}

static int64_t interlock(const struct arguments *a)
{
	return fwnmi_interlock(a->p[F], a->cpu);
}

static int64_t load(const struct arguments *a)
{
	return fwnmi_load(a->p[F], a->p[BUF], a->size);
}

static int64_t log_id(const struct arguments *a)
{
	return fwnmi_log_id(a->p[F]) != 0;
}

static int64_t machine_check(const struct arguments *a)
{
	return after(fwnmi_machine_check(a->p[F], a->cpu, a->p[REGS], a->p[MC], a->p[OUTCOME]),
		     a->p[OUTCOME]);
}

static int64_t machine_check_validate(const struct arguments *a)
{
	return fwnmi_machine_check_validate(a->p[MC]);
}

static int64_t may_run(const struct arguments *a)
{
	return fwnmi_may_run(a->p[F], a->cpu);
}

static int64_t mc_subtype_name(const struct arguments *a)
{
	(void)a;
	for (unsigned type = 0; type < 1000; type++)
		assert_null(fwnmi_mc_subtype_name(type, UINT_MAX));
	assert_null(fwnmi_mc_subtype_name(UINT_MAX, 0));
	return 0;
}

static int64_t mc_subtype_parse(const struct arguments *a)
{
	if (a->p[NAME])
		assert_int_equal(fwnmi_mc_subtype_parse(UINT_MAX, a->p[NAME]), FWNMI_ERR_BADNAME);
	return fwnmi_mc_subtype_parse(FWNMI_MC_UE, a->p[NAME]);
}

static int64_t mc_type_name(const struct arguments *a)
{
	(void)a;
	return names(fwnmi_mc_type_name);
}

static int64_t mc_type_parse(const struct arguments *a)
{
	return fwnmi_mc_type_parse(a->p[NAME]);
}

static int64_t mce_analyse(const struct arguments *a)
{
	static const int dispositions[] = { INT_MIN, -1, 3, INT_MAX };

	for (size_t i = 0; i < ARRAY_SIZE(dispositions); i++)
		assert_int_equal(fwnmi_mce_analyse(0, (enum fwnmi_disposition)dispositions[i], ~0u,
						   ~0u, ~0u, ~0u, a->p[MC]),
				 FWNMI_ERR_INVALID);
	return fwnmi_mce_analyse(UINT_MAX, FWNMI_DISPOSITION_NOT_RECOVERED, UINT64_MAX, UINT64_MAX,
				 UINT32_MAX, UINT64_MAX, a->p[MC]);
}

static int64_t mce_processor(const struct arguments *a)
{
	(void)a;
	assert_int_equal(fwnmi_mce_processor(0), FWNMI_PROCESSOR_POWER9);
	assert_int_equal(fwnmi_mce_processor(UINT32_MAX), FWNMI_PROCESSOR_POWER9);
	return 0;
}

static int64_t mce_repairable(const struct arguments *a)
{
	return fwnmi_mce_repairable(a->p[MC]);
}

static int64_t mce_synthesise(const struct arguments *a)
{
	return fwnmi_mce_synthesise(UINT_MAX, a->p[MC]);
}

static int64_t owner(const struct arguments *a)
{
	return fwnmi_owner(a->p[F]);
}

static int64_t recoverable(const struct arguments *a)
{
	return fwnmi_recoverable(a->p[REGS]);
}

static int64_t register_1(const struct arguments *a)
{
	return fwnmi_register(a->p[F], a->cpu, 0x1000, 0x1100);
}

static int64_t register_2(const struct arguments *a)
{
	return fwnmi_register2(a->p[F], a->cpu, 0x1000, 0x1100);
}

static int64_t registered(const struct arguments *a)
{
	uint64_t system_reset = 1, machine_check = 1;
	bool is = fwnmi_registered(a->p[F], &system_reset, &machine_check);

	assert_int_equal(fwnmi_registered(a->p[F], NULL, NULL), is);
	assert_int_equal(system_reset, is ? 0x1000 : 0);
	assert_int_equal(machine_check, is ? 0x1100 : 0);
	return is;
}

static int64_t reset(const struct arguments *a)
{
	return fwnmi_reset(a->p[F]);
}

static int64_t resume(const struct arguments *a)
{
	return after(fwnmi_resume(a->p[F], a->cpu, a->p[REGS], a->p[OUTCOME]), a->p[OUTCOME]);
}

static int64_t size_of(const struct arguments *a)
{
	return fwnmi_sizeof(a->p[CONFIG]) != 0;
}

static int64_t rtas_area_size(const struct arguments *a)
{
	(void)a;
	assert_int_equal(fwnmi_rtas_area_size(0), 0);
	assert_int_equal(fwnmi_rtas_area_size(UINT_MAX), 0);
	return 0;
}

static int64_t rtas_status(const struct arguments *a)
{
	static const int extremes[] = { INT_MIN, -1, 0, 1, 3, 4, INT_MAX };

	(void)a;
	for (size_t call = 0; call < ARRAY_SIZE(extremes); call++)
		for (size_t i = 0; i < ARRAY_SIZE(extremes); i++)
			fwnmi_rtas_status((enum fwnmi_rtas_call)extremes[call], extremes[i]);
	return 0;
}

static int64_t save(const struct arguments *a)
{
	int length = fwnmi_save(a->p[F], a->p[BUF], a->size);

	return length < 0 ? length : length > 0;
}

static int64_t set_interrupt_endian(const struct arguments *a)
{
	fwnmi_set_interrupt_endian(a->p[F], false);
	return 0;
}

static int64_t severity_name(const struct arguments *a)
{
	(void)a;
	return names(fwnmi_severity_name);
}

static int64_t severity_parse(const struct arguments *a)
{
	return fwnmi_severity_parse(a->p[NAME]);
}

static int64_t signal_machine_check(const struct arguments *a)
{
	return fwnmi_signal_machine_check(a->p[F], a->cpu, a->p[MC]);
}

static int64_t signal_system_reset(const struct arguments *a)
{
	return fwnmi_signal_system_reset(a->p[F], a->cpu, FWNMI_ALL);
}

static int64_t state_size(const struct arguments *a)
{
	return fwnmi_state_size(a->p[F]) != 0;
}

static int64_t strerror_of(const struct arguments *a)
{
	(void)a;
	for (int error = -1000; error < 1000; error++)
		assert_non_null(fwnmi_strerror(error));
	assert_non_null(fwnmi_strerror(INT_MIN));
	assert_non_null(fwnmi_strerror(INT_MAX));
	return 0;
}

static int64_t system_reset(const struct arguments *a)
{
	return after(fwnmi_system_reset(a->p[F], a->cpu, a->p[REGS], a->p[OUTCOME]), a->p[OUTCOME]);
}

static int64_t version(const struct arguments *a)
{
	(void)a;
	assert_string_equal(fwnmi_version(), FWNMI_VERSION);
	return 0;
}

static int64_t withdraw(const struct arguments *a)
{
	return fwnmi_withdraw(a->p[F], a->cpu);
}

/* ---- what they return ---- */

enum {
	NR_CPUS = 3,
	SIZE = 65536,

	INVALID = FWNMI_ERR_INVALID,
	NOSPACE = FWNMI_ERR_NOSPACE,
	TRUNCATED = FWNMI_ERR_TRUNCATED,
	BADNAME = FWNMI_ERR_BADNAME,
	BADRECORD = FWNMI_ERR_BADRECORD,
	NO_CPU = FWNMI_ERR_CPU,
};

/* clang-format off */
#define ROW(of, calls, takes, refused, ...) \
	{ .name = (of), .call = (calls), .needs = (takes), .refusal = (refused), __VA_ARGS__ }
#define NO_POINTERS(of, calls) { .name = (of), .call = (calls) }
#define PARSER(of, calls) \
	ROW(of, calls, BIT(NAME), INVALID, .early = BADNAME, .ended = BADNAME)

static const struct row rows[] = {
	ROW("fwnmi_architected", architected, BIT(F) | BIT(REGS) | BIT(OUTCOME), INVALID,
	    .early = FWNMI_DELIVERED, .ended = FWNMI_DELIVERED),
	ROW("fwnmi_check_exception", check_exception, BIT(F) | BIT(BUF), INVALID, ),
	ROW("fwnmi_config_error", config_error, BIT(CONFIG), true, ),
	NO_POINTERS("fwnmi_disposition_name", disposition_name),
	PARSER("fwnmi_disposition_parse", disposition_parse),
	ROW("fwnmi_end_log", end_log, BIT(F) | BIT(BUF), INVALID, .ended = true),
	NO_POINTERS("fwnmi_end_reason_text", end_reason_text),
	ROW("fwnmi_errlog_decode", errlog_decode, BIT(LOG) | BIT(BUF), INVALID,
	    .empty = TRUNCATED, .early = 8, .ended = 8),
	ROW("fwnmi_errlog_encode", errlog_encode, BIT(LOG) | BIT(BUF), INVALID,
	    .empty = NOSPACE, .early = 8, .ended = 8),
	ROW("fwnmi_errlog_fit", errlog_fit, BIT(BUF), INVALID, .empty = NOSPACE, .early = 8,
	    .ended = 8),
	ROW("fwnmi_errlog_print", errlog_print, BIT(LOG) | BIT(BUF), INVALID, .empty = true,
	    .early = true, .ended = true),
	ROW("fwnmi_errlog_visit", errlog_visit, BIT(LOG) | BIT(VISITOR), 0, ),
	ROW("fwnmi_event_queue", event_queue, BIT(F) | BIT(BUF), INVALID, .empty = TRUNCATED),
	ROW("fwnmi_event_scan", event_scan, BIT(F) | BIT(BUF), INVALID, ),
	NO_POINTERS("fwnmi_event_type_name", event_type_name),
	PARSER("fwnmi_event_type_parse", event_type_parse),
	ROW("fwnmi_events_pending", events_pending, BIT(F), 0, ),
	ROW("fwnmi_handlers_stand", handlers_stand, BIT(F), false, .early = true, .ended = true),
	ROW("fwnmi_init", init, BIT(F) | BIT(CONFIG) | BIT(OPS), INVALID, ),
	NO_POINTERS("fwnmi_initiator_name", initiator_name),
	PARSER("fwnmi_initiator_parse", initiator_parse),
	ROW("fwnmi_interlock", interlock, BIT(F), INVALID, .no_cpu = NO_CPU,
	    .early = FWNMI_NOTHING, .ended = FWNMI_NOTHING),
	ROW("fwnmi_load", load, BIT(F) | BIT(BUF), INVALID, .empty = TRUNCATED,
	    .early = BADRECORD, .ended = BADRECORD),
	ROW("fwnmi_log_id", log_id, BIT(F), 0, .ended = true),
	ROW("fwnmi_machine_check", machine_check, BIT(F) | BIT(REGS) | BIT(MC) | BIT(OUTCOME),
	    INVALID, .no_cpu = NO_CPU, .early = FWNMI_DELIVERED, .ended = FWNMI_ENDED),
	ROW("fwnmi_machine_check_validate", machine_check_validate, BIT(MC), INVALID, ),
	ROW("fwnmi_may_run", may_run, BIT(F), false, .no_cpu = false, .early = true),
	NO_POINTERS("fwnmi_mc_subtype_name", mc_subtype_name),
	PARSER("fwnmi_mc_subtype_parse", mc_subtype_parse),
	NO_POINTERS("fwnmi_mc_type_name", mc_type_name),
	PARSER("fwnmi_mc_type_parse", mc_type_parse),
	ROW("fwnmi_mce_analyse", mce_analyse, BIT(MC), INVALID, ),
	NO_POINTERS("fwnmi_mce_processor", mce_processor),
	ROW("fwnmi_mce_repairable", mce_repairable, BIT(MC), false, .early = true, .ended = true),
	ROW("fwnmi_mce_synthesise", mce_synthesise, BIT(MC), INVALID, ),
	ROW("fwnmi_owner", owner, BIT(F), -1, .early = -1, .ended = 0),
	ROW("fwnmi_recoverable", recoverable, BIT(REGS), false, .early = true, .ended = true),
	ROW("fwnmi_register", register_1, BIT(F), INVALID, .no_cpu = NO_CPU),
	ROW("fwnmi_register2", register_2, BIT(F), INVALID, .no_cpu = NO_CPU),
	ROW("fwnmi_registered", registered, BIT(F), false, .ended = true),
	ROW("fwnmi_reset", reset, BIT(F), INVALID, ),
	ROW("fwnmi_resume", resume, BIT(F) | BIT(REGS) | BIT(OUTCOME), INVALID,
	    .no_cpu = NO_CPU, .early = FWNMI_NOTHING, .ended = FWNMI_ENDED),
	NO_POINTERS("fwnmi_rtas_area_size", rtas_area_size),
	NO_POINTERS("fwnmi_rtas_status", rtas_status),
	ROW("fwnmi_save", save, BIT(F) | BIT(BUF), INVALID, .empty = NOSPACE, .early = true,
	    .ended = true),
	ROW("fwnmi_set_interrupt_endian", set_interrupt_endian, BIT(F), 0, ),
	NO_POINTERS("fwnmi_severity_name", severity_name),
	PARSER("fwnmi_severity_parse", severity_parse),
	ROW("fwnmi_signal_machine_check", signal_machine_check, BIT(F) | BIT(MC), INVALID,
	    .no_cpu = NO_CPU, .early = 1, .ended = 0),
	ROW("fwnmi_signal_system_reset", signal_system_reset, BIT(F), INVALID, .no_cpu = NO_CPU,
	    .early = NR_CPUS, .ended = 0),
	ROW("fwnmi_sizeof", size_of, BIT(CONFIG), 0, .early = true, .ended = true),
	ROW("fwnmi_state_size", state_size, BIT(F), 0, .early = true, .ended = true),
	NO_POINTERS("fwnmi_strerror", strerror_of),
	ROW("fwnmi_system_reset", system_reset, BIT(F) | BIT(REGS) | BIT(OUTCOME), INVALID,
	    .no_cpu = NO_CPU, .early = FWNMI_DELIVERED, .ended = FWNMI_ENDED),
	NO_POINTERS("fwnmi_version", version),
	ROW("fwnmi_withdraw", withdraw, BIT(F), INVALID, .no_cpu = NO_CPU,
	    .early = FWNMI_NOTHING, .ended = FWNMI_NOTHING),
};
/* clang-format on */

/* ---- the host ---- */

static int read_memory(void *opaque, uint64_t address, void *buf, size_t len)
{
	(void)opaque;
	(void)address;
	memset(buf, 0x60, len);
	return 0;
}

static void kick(void *opaque, unsigned cpu)
{
	(void)opaque;
	assert_in_range(cpu, 0, NR_CPUS - 1);
}

static struct fwnmi_ops ops = { .read_memory = read_memory, .kick = kick };
static struct fwnmi_config config = {
	.nr_cpus = NR_CPUS,
	.rtas_base = 0x100000,
	.rtas_size = 0x2000,
};
static struct fwnmi_regs regs = { .msr = 2 };

static void no_open(void *opaque, const char *key, const char *title, unsigned number)
{
	(void)opaque;
	(void)key;
	(void)title;
	(void)number;
}

static void no_close(void *opaque)
{
	(void)opaque;
}

static void no_field(void *opaque, const struct fwnmi_errlog_field *field)
{
	(void)field;
	assert_null(opaque); /* none wants to be told of any */
}

static struct fwnmi_errlog_visitor visitor = { no_open, no_close, no_field };

static size_t memory_size(void)
{
	return fwnmi_sizeof(&config);
}

/* All zeros: fwnmi_init() has not seen it. */
static struct fwnmi *new_memory(void)
{
	struct fwnmi *f = calloc(1, memory_size());

	assert_non_null(f);
	return f;
}

static struct fwnmi *new_partition(void)
{
	struct fwnmi *f = new_memory();

	assert_int_equal(fwnmi_init(f, memory_size(), &ops, NULL, &config), 0);
	return f;
}

/* By a second machine check on vCPU 0, while vCPU 1 waits and vCPU 2 has yet to answer. */
static struct fwnmi *new_ended_partition(void)
{
	struct fwnmi *f = new_partition();
	struct fwnmi_outcome outcome;

	assert_int_equal(fwnmi_register(f, 0, 0x1000, 0x1100), 0);
	assert_int_equal(fwnmi_machine_check(f, 0, &regs, &mc_of_vcpu, &outcome), 0);
	assert_int_equal(fwnmi_machine_check(f, 1, &regs, &mc_of_vcpu, &outcome), 0);
	assert_int_equal(fwnmi_signal_machine_check(f, 2, &mc_of_vcpu), 1);
	assert_int_equal(fwnmi_machine_check(f, 0, &regs, &mc_of_vcpu, &outcome), 0);
	assert_int_equal(outcome.result, FWNMI_ENDED);
	return f;
}

/* Arguments that every function takes, in memory that the next call finds unchanged. */
static struct arguments good_arguments(struct fwnmi *f)
{
	static struct fwnmi_outcome outcome;
	static struct fwnmi_errlog log;
	static struct fwnmi_machine_check mc;
	static char name[] = "no such name";
	static uint8_t buf[SIZE];

	memset(&outcome, 0, sizeof(outcome));
	memset(&log, 0, sizeof(log));
	memset(buf, 0, sizeof(buf));
	memcpy(buf, whole_log, sizeof(whole_log));
	mc = mc_of_vcpu;
	return (struct arguments){
		.p = { [F] = f,
		       [CONFIG] = &config,
		       [OPS] = &ops,
		       [REGS] = &regs,
		       [MC] = &mc,
		       [OUTCOME] = &outcome,
		       [BUF] = buf,
		       [LOG] = &log,
		       [VISITOR] = &visitor,
		       [NAME] = name },
		.size = SIZE,
		.memory = memory_size(),
	};
}

static void assert_result(const struct row *row, int64_t expected, int64_t result)
{
	if (result != expected)
		fail_msg("%s() returns %lld, not %lld", row->name, (long long)result,
			 (long long)expected);
}

/* All that the library knows of a partition. */
struct state {
	uint8_t record[SIZE];
	int length;
};

static void remember(struct state *state, const struct fwnmi *f)
{
	memset(state, 0, sizeof(*state));
	state->length = fwnmi_save(f, state->record, sizeof(state->record));
	assert_true(state->length > 0);
}

static void assert_unchanged(const struct row *row, const struct state *before,
			     const struct fwnmi *f)
{
	static struct state now;

	remember(&now, f);
	if (memcmp(before, &now, sizeof(now)) != 0)
		fail_msg("%s() has changed the partition", row->name);
}

/* ---- the tests ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static void every_exported_function_has_a_row(void **state)
{
	FILE *map = fopen(LIBFWNMI_MAP, "r");
	size_t exported = 0;
	char line[256];

	(void)state;
	assert_non_null(map);
	while (fgets(line, sizeof(line), map)) {
		char name[sizeof(line)];

		if (sscanf(line, " fwnmi_%250[a-z0-9_];", name) != 1)
			continue;
		exported++;
		snprintf(line, sizeof(line), "fwnmi_%.240s", name);
		if (!bsearch(&(struct row){ .name = line }, rows, ARRAY_SIZE(rows), sizeof(rows[0]),
			     by_name))
			fail_msg("%s() has no row", line);
	}
	fclose(map);
	assert_int_equal(exported, ARRAY_SIZE(rows));
}

static void null_is_refused_and_changes_nothing(void **state)
{
	static struct state before;

	(void)state;
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		struct fwnmi *f = new_partition();

		remember(&before, f);
		for (unsigned pointer = 0; pointer < POINTERS; pointer++) {
			struct arguments a = good_arguments(f);

			if (!(row->needs & BIT(pointer)))
				continue;
			a.p[pointer] = NULL;
			assert_result(row, row->refusal, row->call(&a));
			assert_unchanged(row, &before, f);
		}
		free(f);
	}
}

static void memory_that_was_not_set_up_is_refused(void **state)
{
	struct fwnmi *untouched = new_memory();

	(void)state;
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		struct fwnmi *f = new_memory();
		struct arguments a = good_arguments(f);

		if (row->needs & BIT(F) && row->call != init) {
			assert_result(row, row->refusal, row->call(&a));
			assert_memory_equal(f, untouched, memory_size());
		}
		free(f);
	}
	free(untouched);
}

/* Ways to fail. */
static const struct fwnmi_config bad_configs[] = {
	{ .nr_cpus = 0, .rtas_base = 0x100000, .rtas_size = 0x2000 },
	{ .nr_cpus = UINT_MAX, .rtas_base = 0x100000, .rtas_size = 0x2000 },
	{ .nr_cpus = NR_CPUS, .rtas_base = 0x100000, .rtas_size = 0x100 },
	{ .nr_cpus = NR_CPUS, .rtas_base = 0x100008, .rtas_size = 0x2000 },
	{ .nr_cpus = NR_CPUS, .rtas_base = UINT64_MAX, .rtas_size = UINT32_MAX },
	{ .nr_cpus = NR_CPUS,
	  .rtas_base = 0x100000,
	  .rtas_size = 0x2000,
	  .mc_buffer_size = UINT32_MAX },
	{ .nr_cpus = NR_CPUS,
	  .rtas_base = 0x100000,
	  .rtas_size = 0x2000,
	  .save_area_offset = UINT32_MAX },
	{ .nr_cpus = NR_CPUS,
	  .rtas_base = 0x100000,
	  .rtas_size = 0x2000,
	  .stale_handler = (enum fwnmi_stale_policy)77 },
	{ .nr_cpus = NR_CPUS,
	  .rtas_base = 0x100000,
	  .rtas_size = 0x2000,
	  .nested_machine_check = (enum fwnmi_nested_policy) - 1 },
};

static void a_failed_init_leaves_the_memory_as_it_was(void **state)
{
	static const struct row row = { .name = "fwnmi_init" };
	static struct state before;
	struct fwnmi *f = new_ended_partition(), *zeros = new_memory(), *untouched = new_memory();

	(void)state;
	remember(&before, f);
	for (size_t i = 0; i < ARRAY_SIZE(bad_configs); i++) {
		assert_non_null(fwnmi_config_error(&bad_configs[i]));
		assert_true(fwnmi_init(f, memory_size(), &ops, NULL, &bad_configs[i]) < 0);
		assert_true(fwnmi_init(zeros, memory_size(), &ops, NULL, &bad_configs[i]) < 0);
		assert_unchanged(&row, &before, f);
		assert_memory_equal(zeros, untouched, memory_size());
	}
	for (unsigned missing = 0; missing < 2; missing++) {
		const struct fwnmi_ops some = { .read_memory = missing ? read_memory : NULL,
						.kick = missing ? NULL : kick };

		assert_int_equal(fwnmi_init(f, memory_size(), &some, NULL, &config),
				 FWNMI_ERR_INVALID);
		assert_unchanged(&row, &before, f);
	}
	assert_int_equal(fwnmi_init(f, memory_size() - 1, &ops, NULL, &config), FWNMI_ERR_NOSPACE);
	assert_unchanged(&row, &before, f);
	assert_int_equal(fwnmi_init((struct fwnmi *)((char *)f + 4), memory_size(), &ops, NULL,
				    &config),
			 FWNMI_ERR_INVALID);
	assert_unchanged(&row, &before, f);
	free(f);
	free(zeros);
	free(untouched);
}

static void a_vcpu_that_does_not_exist_is_refused_and_changes_nothing(void **state)
{
	static const unsigned cpus[] = { NR_CPUS,	    NR_CPUS + 1,  64,
					 1u << 8,	    1u << 16,	  INT_MAX,
					 (unsigned)INT_MIN, UINT_MAX - 1, UINT_MAX };
	static struct state before;

	(void)state;
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		struct fwnmi *f = new_partition();

		remember(&before, f);
		for (size_t i = 0; i < ARRAY_SIZE(cpus); i++) {
			struct arguments a = good_arguments(f);

			a.cpu = cpus[i];
			if (!row->no_cpu && row->call != may_run)
				continue;
			assert_result(row, row->no_cpu, row->call(&a));
			assert_unchanged(row, &before, f);
		}
		free(f);
	}
}

static void a_target_that_does_not_exist_is_refused_and_changes_nothing(void **state)
{
	static const int64_t targets[] = { NR_CPUS,   FWNMI_ALL_OTHERS - 1,
					   INT_MIN,   INT_MAX,
					   UINT_MAX,  1ll << 32,
					   INT64_MIN, INT64_MAX };
	static const struct row row = { .name = "fwnmi_signal_system_reset" };
	static struct state before;
	struct fwnmi *f = new_partition();

	(void)state;
	remember(&before, f);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		assert_int_equal(fwnmi_signal_system_reset(f, 0, targets[i]), FWNMI_ERR_CPU);
		assert_unchanged(&row, &before, f);
	}
	free(f);
}

static void a_call_that_comes_too_early_is_harmless(void **state)
{
	(void)state;
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		struct fwnmi *f = new_partition();
		struct arguments a = good_arguments(f);

		assert_result(row, row->early, row->call(&a));
		free(f);
	}
}

static void a_call_after_the_end_is_harmless(void **state)
{
	(void)state;
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		struct fwnmi *f = new_ended_partition();

		for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
			struct arguments a = good_arguments(f);

			if (cpu > 0 && !row->no_cpu)
				break;
			a.cpu = cpu;
			assert_result(row, row->ended, row->call(&a));
		}
		free(f);
	}
}

static void an_empty_buffer_may_be_null(void **state)
{
	(void)state;
	for (const struct row *row = rows; row < rows + ARRAY_SIZE(rows); row++) {
		struct fwnmi *f = new_partition();
		struct arguments a = good_arguments(f);

		a.p[BUF] = NULL;
		a.size = 0;
		if (row->needs & BIT(BUF))
			assert_result(row, row->empty, row->call(&a));
		free(f);
	}
}

static void a_visitor_without_all_callbacks_is_told_nothing(void **state)
{
	const struct fwnmi_errlog_visitor some[] = {
		{ NULL, no_close, no_field },
		{ no_open, NULL, no_field },
		{ no_open, no_close, NULL },
	};
	const struct fwnmi_errlog log = { .has_main_a = true };
	unsigned told = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(some); i++)
		fwnmi_errlog_visit(&log, &some[i], &told); /* no_field() wants NULL */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_exported_function_has_a_row),
		cmocka_unit_test(null_is_refused_and_changes_nothing),
		cmocka_unit_test(memory_that_was_not_set_up_is_refused),
		cmocka_unit_test(a_failed_init_leaves_the_memory_as_it_was),
		cmocka_unit_test(a_vcpu_that_does_not_exist_is_refused_and_changes_nothing),
		cmocka_unit_test(a_target_that_does_not_exist_is_refused_and_changes_nothing),
		cmocka_unit_test(a_call_that_comes_too_early_is_harmless),
		cmocka_unit_test(a_call_after_the_end_is_harmless),
		cmocka_unit_test(an_empty_buffer_may_be_null),
		cmocka_unit_test(a_visitor_without_all_callbacks_is_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
