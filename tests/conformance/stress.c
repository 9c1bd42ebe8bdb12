/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A million machine checks and a hundred thousand system resets, randomly interleaved on four
 * vCPUs. A model of the rules that shares nothing with the library checks each step. Every event
 * has a number, and in the end every number is accounted for once: delivered, coalesced, handed
 * back to the host, or lost with its partition or processor.
 */
#include "library.h"

#define MACHINE_CHECKS 1000000ull
#define SYSTEM_RESETS  100000ull
#define NOBODY	       (-1)

enum pending_reset {
	NONE,
	AT_RESUME,
	AFTER_INTERLOCK
};

struct tally {
	uint64_t reported, delivered, handed_back, lost_with_partition, stopped, withdrawn;
	uint64_t coalesced; /* system resets only */
};

/* The state according to the rules. */
struct model {
	int owner; /* NOBODY: the buffer is free */
	bool in_handler; /* false: the owner was kicked and has not resumed yet */
	unsigned queue[NR_CPUS];
	unsigned queued;
	uint64_t number[NR_CPUS]; /* number of the machine check with which a vCPU waits */
	bool fatal[NR_CPUS]; /* and whether it is fatal */
	bool unsafe[NR_CPUS]; /* of a signalled one: and whether the processor is unsafe */
	bool signalled[NR_CPUS]; /* it is taken when the vCPU resumes */
	enum pending_reset reset[NR_CPUS];
	bool stopped[NR_CPUS];
	unsigned notices; /* not yet returned by event-scan */
	bool fatal_reported;
	bool stale;
	uint64_t r3[NR_CPUS];

	struct tally mc, sr;
	uint64_t interlocks, ends, boots, notices_seen;
};

struct stress {
	struct host host;
	struct model model;
	uint64_t seed;
};

static uint32_t random_below(struct stress *s, uint32_t bound)
{
	/* Knuth's MMIX generator. */
	s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((s->seed >> 33) % bound);
}

/* Makes the vCPU run on elsewhere, with a new R3. */
static void run_on(struct stress *s, unsigned cpu)
{
	run_something(&s->host, cpu);
	s->host.regs[cpu].gpr3 = s->model.r3[cpu] = s->seed ^ cpu;
}

static bool waits(const struct model *m, unsigned cpu)
{
	if (m->owner == (int)cpu)
		return !m->in_handler;
	for (unsigned i = 0; i < m->queued; i++)
		if (m->queue[i] == cpu)
			return true;
	return false;
}

/* ---- the library's actions, compared with the model ---- */

static void check_delivered(struct stress *s, unsigned cpu, uint64_t number, bool fatal)
{
	struct model *m = &s->model;
	struct fwnmi_errlog log;

	assert_int_equal(s->host.regs[cpu].nip, MACHINE_CHECK);
	assert_int_equal(s->host.regs[cpu].gpr3, BUFFER);
	assert_int_equal(saved_r3(&s->host, BUFFER), m->r3[cpu]);
	m->r3[cpu] = BUFFER;
	log = buffer_log(&s->host);
	if (m->fatal_reported) {
		assert_int_equal(log.severity, FWNMI_SEVERITY_ALREADY_REPORTED);
	} else {
		assert_int_equal(log.severity,
				 fatal ? FWNMI_SEVERITY_FATAL : FWNMI_SEVERITY_ERROR_SYNC);
		assert_int_equal(log.mc.effective_address, number);
		assert_int_equal(log.mc.processor_id, cpu);
		m->fatal_reported = fatal;
	}
	m->owner = (int)cpu;
	m->in_handler = true;
	if (m->reset[cpu] != NONE)
		m->reset[cpu] = AFTER_INTERLOCK;
	m->mc.delivered++;
}

static void check_reset_delivered(struct stress *s, unsigned cpu)
{
	struct model *m = &s->model;

	assert_int_equal(s->host.regs[cpu].nip, SYSTEM_RESET);
	assert_int_equal(s->host.regs[cpu].gpr3, SLOT(cpu));
	assert_int_equal(saved_r3(&s->host, SLOT(cpu)), m->r3[cpu]);
	m->r3[cpu] = SLOT(cpu);
	m->reset[cpu] = NONE;
	m->sr.delivered++;
}

/* The buffer passes to the next waiter, which is kicked. */
static void pass_on(struct stress *s, unsigned kicks_before)
{
	struct model *m = &s->model;

	m->in_handler = false;
	m->owner = NOBODY;
	if (m->queued == 0)
		return;
	m->owner = (int)m->queue[0];
	memmove(m->queue, m->queue + 1, --m->queued * sizeof(m->queue[0]));
	assert_int_equal(s->host.kicks[m->owner], kicks_before + 1);
}

static unsigned kicks_of_next(const struct stress *s)
{
	return s->model.queued ? s->host.kicks[s->model.queue[0]] : 0;
}

static void boot(struct stress *s)
{
	struct model *m = &s->model;

	assert_int_equal(fwnmi_reset(s->host.f), 0);
	enrol(&s->host);
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		if (waits(m, cpu) || m->signalled[cpu])
			m->mc.lost_with_partition++;
		m->signalled[cpu] = false;
		if (m->reset[cpu] != NONE)
			m->sr.lost_with_partition++;
		m->reset[cpu] = NONE;
		m->stopped[cpu] = false;
		run_on(s, cpu);
	}
	m->owner = NOBODY;
	m->in_handler = false;
	m->queued = 0;
	m->fatal_reported = false;
	m->stale = false;
	m->boots++;
}

/* ---- steps ---- */

static struct fwnmi_machine_check numbered(uint64_t number, bool fatal, bool unsafe)
{
	struct fwnmi_machine_check mc = slb_multihit();

	mc.effective_address = number;
	if (fatal) {
		mc.severity = FWNMI_SEVERITY_FATAL;
		mc.disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	}
	mc.unsafe_processor = unsafe;
	return mc;
}

/* The expected outcome of a machine check of the vCPU, now. */
static void check_taken(struct stress *s, unsigned cpu, uint64_t number, bool fatal, bool unsafe,
			int result)
{
	struct model *m = &s->model;

	if (m->owner == (int)cpu) {
		assert_int_equal(result, FWNMI_ENDED);
		assert_int_equal(s->host.ends, ++m->ends);
		m->mc.lost_with_partition++;
		m->notices++; /* the next image gets it */
		boot(s);
	} else if (unsafe) {
		assert_int_equal(result, FWNMI_STOPPED);
		m->stopped[cpu] = true;
		m->sr.stopped += m->reset[cpu] != NONE;
		m->reset[cpu] = NONE;
		m->mc.stopped++;
		m->notices++;
	} else if (m->owner != NOBODY) {
		assert_int_equal(result, FWNMI_WAITING);
		m->queue[m->queued++] = cpu;
		m->number[cpu] = number;
		m->fatal[cpu] = fatal;
		if (m->reset[cpu] != NONE)
			m->reset[cpu] = AFTER_INTERLOCK;
	} else if (m->stale) {
		assert_int_equal(result, AT_VECTOR_STALE);
		m->mc.handed_back++;
	} else {
		assert_int_equal(result, FWNMI_DELIVERED);
		check_delivered(s, cpu, number, fatal);
	}
}

static void machine_check(struct stress *s, unsigned cpu, bool fatal, bool unsafe)
{
	struct model *m = &s->model;
	uint64_t number = m->mc.reported;
	struct fwnmi_machine_check mc = numbered(number, fatal, unsafe);
	int result = host_machine_check(&s->host, cpu, &mc);

	if (m->stopped[cpu]) {
		assert_int_equal(result, FWNMI_STOPPED);
	} else if (waits(m, cpu) || m->signalled[cpu]) {
		assert_int_equal(result, FWNMI_ERR_BUSY);
	} else {
		m->mc.reported++;
		check_taken(s, cpu, number, fatal, unsafe, result);
	}
}

static void signal_check(struct stress *s, unsigned cpu, bool fatal, bool unsafe)
{
	struct model *m = &s->model;
	struct fwnmi_machine_check mc = numbered(m->mc.reported, fatal, unsafe);
	int result = fwnmi_signal_machine_check(s->host.f, cpu, &mc);

	if (m->stopped[cpu]) {
		assert_int_equal(result, 0);
	} else if (waits(m, cpu) || m->signalled[cpu]) {
		assert_int_equal(result, FWNMI_ERR_BUSY);
	} else {
		assert_int_equal(result, 1);
		m->signalled[cpu] = true;
		m->number[cpu] = m->mc.reported++;
		m->fatal[cpu] = fatal;
		m->unsafe[cpu] = unsafe;
	}
}

static void withdraw(struct stress *s, unsigned cpu)
{
	struct model *m = &s->model;
	unsigned kicks = kicks_of_next(s), kept = 0;
	int result = fwnmi_withdraw(s->host.f, cpu);

	if (!waits(m, cpu) && !m->signalled[cpu]) {
		assert_int_equal(result, FWNMI_NOTHING);
		return;
	}
	assert_int_equal(result, FWNMI_RELEASED);
	m->mc.withdrawn++;
	if (m->signalled[cpu]) {
		m->signalled[cpu] = false;
		return;
	}
	if (m->owner == (int)cpu) {
		pass_on(s, kicks);
	} else {
		for (unsigned i = 0; i < m->queued; i++)
			if (m->queue[i] != cpu)
				m->queue[kept++] = m->queue[i];
		m->queued = kept;
	}
	if (m->reset[cpu] != NONE)
		m->reset[cpu] = AT_RESUME;
}

static void system_reset(struct stress *s, unsigned cpu)
{
	struct model *m = &s->model;
	bool was_pending = m->reset[cpu] != NONE;
	int result = host_system_reset(&s->host, cpu);

	if (m->stopped[cpu]) {
		assert_int_equal(result, FWNMI_STOPPED);
		return;
	}
	m->sr.reported++;
	m->sr.coalesced += was_pending;
	if (waits(m, cpu)) {
		assert_int_equal(result, FWNMI_WAITING);
		m->reset[cpu] = AFTER_INTERLOCK;
	} else {
		assert_int_equal(result, FWNMI_DELIVERED);
		check_reset_delivered(s, cpu);
	}
}

static void signal_reset(struct stress *s, unsigned cpu, int64_t target)
{
	struct model *m = &s->model;
	int meant = 0, result = fwnmi_signal_system_reset(s->host.f, cpu, target);

	for (unsigned i = 0; i < NR_CPUS; i++) {
		if (m->stopped[i] || (target == FWNMI_ALL_OTHERS && i == cpu) ||
		    (target >= 0 && target != i))
			continue;
		meant++;
		m->sr.reported++;
		m->sr.coalesced += m->reset[i] != NONE;
		m->reset[i] = waits(m, i) ? AFTER_INTERLOCK : AT_RESUME;
	}
	assert_int_equal(result, meant);
}

static void interlock(struct stress *s, unsigned cpu)
{
	struct model *m = &s->model;
	unsigned kicks = kicks_of_next(s);
	int result = fwnmi_interlock(s->host.f, cpu);

	if (m->owner != (int)cpu || !m->in_handler) {
		assert_int_equal(result, FWNMI_NOTHING);
		return;
	}
	assert_int_equal(result, FWNMI_RELEASED);
	pass_on(s, kicks);
	if (m->reset[cpu] != NONE)
		m->reset[cpu] = AT_RESUME;
	m->interlocks++;
	run_on(s, cpu);
}

static void resume(struct stress *s, unsigned cpu)
{
	struct model *m = &s->model;
	unsigned kicks = kicks_of_next(s);
	int result = host_resume(&s->host, cpu);

	if (m->stopped[cpu]) {
		assert_int_equal(result, FWNMI_STOPPED);
	} else if (m->owner == (int)cpu && !m->in_handler) {
		if (m->stale) {
			assert_int_equal(result, AT_VECTOR_STALE);
			assert_int_equal(s->host.outcome.vector, 0x200);
			assert_int_equal(s->host.outcome.machine_check.effective_address,
					 m->number[cpu]);
			m->mc.handed_back++;
			pass_on(s, kicks);
			if (m->reset[cpu] != NONE)
				m->reset[cpu] = AT_RESUME;
		} else {
			assert_int_equal(result, FWNMI_DELIVERED);
			check_delivered(s, cpu, m->number[cpu], m->fatal[cpu]);
		}
	} else if (waits(m, cpu)) {
		assert_int_equal(result, FWNMI_WAITING);
	} else if (m->signalled[cpu]) {
		m->signalled[cpu] = false;
		check_taken(s, cpu, m->number[cpu], m->fatal[cpu], m->unsafe[cpu], result);
	} else if (m->reset[cpu] == AT_RESUME) {
		assert_int_equal(result, FWNMI_DELIVERED);
		check_reset_delivered(s, cpu);
	} else {
		assert_int_equal(result, FWNMI_NOTHING);
	}
}

/*
 * Fetches each notice once. The queue keeps ten across a reboot, so fetch them before there are
 * more.
 */
static void fetch_notices(struct stress *s)
{
	struct model *m = &s->model;
	uint8_t buf[FWNMI_ERRLOG_MAX];

	while (m->notices > 0) {
		int length = fwnmi_event_scan(s->host.f, ~0u, false, buf, sizeof(buf));

		if (length == FWNMI_NOTHING) /* the end of a sequence of calls */
			continue;
		assert_true(length > 0);
		if (buf[1] >> 5 == FWNMI_SEVERITY_FATAL)
			m->fatal_reported = true;
		m->notices--;
		m->notices_seen++;
	}
	assert_int_equal(fwnmi_events_pending(s->host.f, FWNMI_EVENT_SCAN, ~0u), 0);
}

static void toggle_stale(struct stress *s)
{
	/* Past the part of the system reset routine that the library remembers. */
	s->host.low_memory[SYSTEM_RESET + 4 * FWNMI_HANDLER_INSNS + 0x20] ^= 0xff;
	s->model.stale = !s->model.stale;
}

static void step(struct stress *s)
{
	struct model *m = &s->model;
	unsigned cpu = random_below(s, NR_CPUS);
	uint32_t dice = random_below(s, 10000);

	if (dice < 4500) {
		/* A second one of the owner ends the partition, so do that rarely. */
		if (m->owner == (int)cpu && m->in_handler && random_below(s, 2000) != 0)
			interlock(s, cpu);
		else
			machine_check(s, cpu, random_below(s, 5000) == 0,
				      random_below(s, 20000) == 0);
	} else if (dice < 7000) {
		interlock(s, random_below(s, 4) || m->owner == NOBODY ? cpu : (unsigned)m->owner);
	} else if (dice < 9400) {
		resume(s, cpu);
	} else if (dice < 9700) {
		system_reset(s, cpu);
	} else if (dice < 9800) {
		signal_reset(s, cpu, (int64_t)random_below(s, NR_CPUS + 2) - 2);
	} else if (dice < 9900) {
		/* As above: a machine check in the vCPU's handler ends the partition. */
		if (m->owner != (int)cpu || random_below(s, 2000) == 0)
			signal_check(s, cpu, random_below(s, 5000) == 0,
				     random_below(s, 20000) == 0);
	} else if (dice < 9920) {
		withdraw(s, cpu);
	} else if (dice < 9921 || (m->stale && dice < 9960)) {
		toggle_stale(s);
	} else if (dice < 9970 || m->notices >= 5) {
		fetch_notices(s);
	}
	assert_int_equal(fwnmi_owner(s->host.f), m->owner);
	if (m->stopped[0] && m->stopped[1] && m->stopped[2] && m->stopped[3])
		boot(s); /* nothing else would ever happen */
}

static void every_event_of_a_long_random_run_is_accounted_for_once(void **state)
{
	struct stress *s = *state;
	struct model *m = &s->model;
	uint64_t waiting = 0, pending = 0, steps = 0;

	while (m->mc.reported < MACHINE_CHECKS || m->sr.reported < SYSTEM_RESETS) {
		step(s);
		steps++;
	}
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++) {
		waiting += waits(m, cpu) || m->signalled[cpu];
		pending += m->reset[cpu] != NONE;
	}
	assert_int_equal(m->mc.reported, m->mc.delivered + m->mc.handed_back +
						 m->mc.lost_with_partition + m->mc.stopped +
						 m->mc.withdrawn + waiting);
	assert_int_equal(m->sr.reported, m->sr.delivered + m->sr.coalesced +
						 m->sr.lost_with_partition + m->sr.stopped +
						 pending);
	assert_int_equal(m->interlocks + m->ends + (m->owner != NOBODY && m->in_handler),
			 m->mc.delivered);
	assert_int_equal(m->notices_seen + m->notices, m->mc.stopped + m->ends);
	/* Every outcome has occurred. */
	assert_true(m->mc.handed_back > 100 && m->mc.lost_with_partition > 100);
	assert_true(m->mc.withdrawn > 100 && m->mc.stopped > 10 && m->sr.coalesced > 100 &&
		    m->sr.lost_with_partition > 10);
	print_message(
		"# %llu steps: %llu machine checks (%llu delivered, %llu handed back, %llu gone "
		"with the partition, %llu with their processor), %llu system resets (%llu "
		"delivered, %llu coalesced), %llu boots\n",
		(unsigned long long)steps, (unsigned long long)m->mc.reported,
		(unsigned long long)m->mc.delivered, (unsigned long long)m->mc.handed_back,
		(unsigned long long)m->mc.lost_with_partition, (unsigned long long)m->mc.stopped,
		(unsigned long long)m->sr.reported, (unsigned long long)m->sr.delivered,
		(unsigned long long)m->sr.coalesced, (unsigned long long)m->boots);
}

static int set_up_stress(void **state)
{
	struct stress *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	start(&s->host, &default_config);
	s->seed = 2026;
	s->model.owner = NOBODY;
	boot(s);
	*state = s;
	return 0;
}

static int tear_down_stress(void **state)
{
	struct stress *s = *state;

	assert_false(s->host.wrote_elsewhere);
	free(s);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			every_event_of_a_long_random_run_is_accounted_for_once, set_up_stress,
			tear_down_stress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
