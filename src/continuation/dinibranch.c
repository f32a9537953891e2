/*
  From one branch to the other where two cross. Beside the crossing at m_c the other branch is u_c + (m - m_c) du/dm + a phi + ..., with
  phi the null vector of J at the crossing, and an amplitude a that goes to zero with m - m_c: like it where both branches go on on
  both sides, like its square root where the other one turns there. phi, and psi with J^H psi = 0, are found by inverse iteration at
  the last point. Where <psi, F> stops to be linear along phi tells how large a is about; from smaller ones to larger ones the
  forward solve is tried until it finds a solution that is not of the old branch, leans along phi, and comes nearer with m.
*/
#include "../private/dinicontinuationimpl.h"

#define BRANCH_RANGE     40.0 /* amplitudes that are tried: that one over this, to this times it, */
#define BRANCH_FACTOR    1.7  /* by this factor */
#define BRANCH_OFF       4.0  /* by which the amplitude may be another one than that of the guess */
#define BRANCH_ASIDE     0.5  /* of it: beside phi */
#define BRANCH_APART     0.5  /* of it: so far from the old branch */
#define BRANCH_ARM_LEAST 0.35 /* of du/dm along phi, four times as far: 1/2 on the arm of a pitchfork */
#define BRANCH_ARM_MOST  0.7
#define BRANCH_ARM       0.05 /* of the amplitude at which F bends: an arm, and no rounding */
#define BRANCH_NEARER    4.0  /* by which m comes nearer to tell how the amplitude shrinks */
#define BRANCH_STAYS     0.3  /* power of m - m_c: less is no branch from here */
#define BRANCH_BENDS     1.35 /* more is the old branch, which bends */
#define BRANCH_ROOT      0.75 /* between 1/2 and 1 */

const char *const DiniBifurcations[] = {"none", "transcritical", "pitchfork", "DiniBifurcation", "DINI_BIFURCATION_",
                                        NULL};

/* Solves at m from this amplitude: that of the solution, and what lies beside phi; good: there is one */
static PetscErrorCode DiniBranchSolve(DiniBranch *b, PetscReal m, PetscReal amplitude, PetscReal *found,
                                      PetscReal *aside, PetscBool *good)
{
  Vec u = b->path.u, beside = b->path.w[1];

  PetscFunctionBegin;
  *found = *aside = 0.0;
  PetscCall(VecWAXPY(u, m - b->critical, b->t, b->base));
  PetscCall(VecAXPY(u, amplitude, b->phi));
  PetscCall(PetscObjectStateIncrease((PetscObject)u));
  PetscCall(DiniPathParameter_Private(b->dini, &b->path, m));
  PetscCall(DiniSolve(b->dini, u));
  PetscCall(DiniPathConverged_Private(b->dini, good));
  if (!*good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecWAXPY(beside, -1.0, b->base, u));
  PetscCall(VecAXPY(beside, b->critical - m, b->t));
  PetscCall(DiniBranchDot_Private(b, b->phi, beside, found));
  *found /= b->norm;
  PetscCall(VecAXPY(beside, -*found, b->phi));
  PetscCall(DiniBranchDot_Private(b, beside, beside, aside));
  *aside = PetscSqrtReal(*aside / b->norm);
  PetscCall(PetscInfo(b->dini, "Branches: from an amplitude of %g at %.10g to %g, and %g beside it\n",
                      (double)amplitude, (double)m, (double)*found, (double)*aside));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The amplitude of the solution that is found from this one; zero where it is of no other branch that leans along phi. old: the
  amplitude of the old branch there, which is small but where u has a pole
*/
static PetscErrorCode DiniBranchTry(DiniBranch *b, PetscReal m, PetscReal amplitude, PetscReal old, PetscReal *found)
{
  PetscReal a, aside, size;
  PetscBool good;

  PetscFunctionBegin;
  *found = 0.0;
  PetscCall(DiniBranchSolve(b, m, amplitude, &a, &aside, &good));
  size = PetscAbsReal(a);
  if (!good || !(a * amplitude > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  if (size < PetscAbsReal(amplitude) / BRANCH_OFF || size > PetscAbsReal(amplitude) * BRANCH_OFF)
    PetscFunctionReturn(PETSC_SUCCESS);
  if (aside > BRANCH_ASIDE * size || PetscAbsReal(a - old) < BRANCH_APART * size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniTrial_Private(b->dini, &good)); /* by its residual, too: the solver may have come from far away */
  if (good) *found = a;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How does the amplitude shrink as m comes nearer? Guesses of a root, of a straight line, and between */
static PetscErrorCode DiniBranchKind(DiniBranch *b, PetscReal dm, PetscReal amplitude, DiniBifurcation *kind)
{
  static const PetscReal powers[] = {0.5, 1.0, 0.75};
  PetscReal              found    = 0.0, power;

  PetscFunctionBegin;
  *kind = DINI_BIFURCATION_NONE;
  for (int k = 0; k < 3 && found == 0.0; k++)
    PetscCall(DiniBranchTry(b, b->critical + dm / BRANCH_NEARER, amplitude / PetscPowReal(BRANCH_NEARER, powers[k]),
                            0.0, &found));
  if (found == 0.0) PetscFunctionReturn(PETSC_SUCCESS);
  power = PetscLogReal(amplitude / found) / PetscLogReal(BRANCH_NEARER);
  PetscCall(PetscInfo(b->dini, "Branches: the amplitude goes like the power %g of the distance\n", (double)power));
  if (power < BRANCH_STAYS || power > BRANCH_BENDS) PetscFunctionReturn(PETSC_SUCCESS);
  *kind = power < BRANCH_ROOT ? DINI_BIFURCATION_PITCHFORK : DINI_BIFURCATION_TRANSCRITICAL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the path come along an arm of a pitchfork, which ends here? du/dm along phi grows like the root of the distance, by enough */
static PetscBool DiniBranchIsArm(const DiniBranch *b, PetscReal step, PetscReal scale)
{
  const PetscReal d = PetscAbsReal(b->critical - b->from), ratio = b->along != 0.0 ? b->before / b->along : 0.0;

  if (!(ratio > BRANCH_ARM_LEAST && ratio < BRANCH_ARM_MOST)) return PETSC_FALSE;
  return (PetscBool)(2.0 * PetscAbsReal(b->along) * PetscSqrtReal(d * step) > BRANCH_ARM * scale);
}

/* From an arm to the branch that goes through the crossing: along phi it lies between both arms */
static PetscErrorCode DiniBranchThrough(DiniBranch *b, PetscReal dm, DiniBifurcation *kind)
{
  const PetscReal d     = b->critical - b->from;
  const PetscReal arm   = 2.0 * PetscAbsReal(b->along) * PetscSqrtReal(PetscAbsReal(dm * d));
  PetscReal       found = 0.0, aside = 0.0;
  PetscBool       good = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(VecAXPY(b->t, -b->along, b->phi)); /* that is the arm's */
  PetscCall(VecAXPY(b->base, -b->along * d, b->phi));
  for (int near = 1; near >= 0 && good; near--) {
    const PetscReal part = near ? 1.0 / BRANCH_NEARER : 1.0;

    PetscCall(DiniBranchSolve(b, b->critical + part * dm, 0.0, &found, &aside, &good));
    good = (PetscBool)(good && PetscAbsReal(found) + aside < BRANCH_APART * arm * PetscSqrtReal(part));
  }
  if (good) PetscCall(DiniTrial_Private(b->dini, &good));
  if (good) *kind = DINI_BIFURCATION_PITCHFORK;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From small amplitudes to large ones, and from far to near in m; ahead first */
static PetscErrorCode DiniBranchSearch(DiniBranch *b, PetscReal step, PetscInt side, DiniBifurcation *kind)
{
  const PetscReal ahead = b->critical < b->path.start ? -1.0 : 1.0;
  PetscReal       found = 0.0, again, scale, aside, old[2] = {0.0, 0.0};
  PetscBool       there[2];

  PetscFunctionBegin;
  *kind = DINI_BIFURCATION_NONE;
  PetscCall(DiniBranchScale_Private(b, ahead * step, side, &scale));
  if (DiniBranchIsArm(b, step, scale)) {
    PetscCall(DiniBranchThrough(b, ahead * step, kind));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int way = 0; way < 2; way++)
    PetscCall(DiniBranchSolve(b, b->critical + (way ? -ahead : ahead) * step, 0.0, &old[way], &aside, &there[way]));
  for (int way = 0; way < 2; way++)
    if (!there[way] && there[1 - way]) old[way] = -old[1 - way]; /* it goes straight through the crossing */
  for (PetscReal a = scale / BRANCH_RANGE; a < scale * BRANCH_RANGE && !*kind; a *= BRANCH_FACTOR)
    for (int way = 0; way < 2 && !*kind; way++) {
      const PetscReal dm = way ? -ahead * step : ahead * step;

      PetscCall(DiniBranchTry(b, b->critical + dm, (PetscReal)side * a, old[way], &found));
      if (found == 0.0) continue;
      PetscCall(DiniBranchKind(b, dm, found, kind));
      if (!*kind) continue;
      PetscCall(DiniBranchTry(b, b->critical + dm, found, old[way], &again)); /* back, and to stay */
      if (again == 0.0) *kind = DINI_BIFURCATION_NONE;
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Not found: back to where the call has begun */
static PetscErrorCode DiniBranchBack(DiniBranch *b, Vec begin)
{
  PetscFunctionBegin;
  PetscCall(VecCopy(begin, b->path.u));
  PetscCall(PetscObjectStateIncrease((PetscObject)b->path.u));
  PetscCall(DiniPathParameter_Private(b->dini, &b->path, b->path.start));
  PetscCall(DiniSolve(b->dini, b->path.u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameter is there as DiniContinue() has left it, and everything else has been seen to */
static PetscErrorCode DiniBranchCheck(Dini dini, PetscInt p, PetscReal critical, PetscReal step, PetscInt side, Vec u)
{
  const PetscReal mine[6] = {critical, -critical, step, -step, (PetscReal)side, -(PetscReal)side};
  PetscReal       all[6];

  PetscFunctionBegin;
  PetscCall(DiniCheckContinuation_Private(dini, p, critical, u));
  PetscCall(MPIU_Allreduce(mine, all, 6, MPIU_REAL, MPIU_MAX, PetscObjectComm((PetscObject)dini)));
  PetscCheck(
      all[2] == -all[3] && all[4] == -all[5] && (side == 1 || side == -1) && PetscAbsReal(step) < PETSC_INFINITY &&
          step >= 0.0,
      PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
      "%s: A branch is left for one whose state is larger (1) or smaller (-1) along the null vector, the same on all "
      "ranks, and not %" PetscInt_FMT "; its step is positive, or 0 for a default, and not %g",
      DiniLabel_Private(dini), side, (double)step);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniBranchSwitch(DiniBranch *b, PetscReal step, PetscInt side, DiniBifurcation *kind)
{
  PetscBool      good = PETSC_FALSE;
  PetscErrorCode failed;
  Vec            begin;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(b->path.u, &begin));
  PetscCall(VecCopy(b->path.u, begin));
  *kind  = DINI_BIFURCATION_NONE;
  failed = DiniBranchNull_Private(b, step, &good);
  if (!failed && good) failed = DiniBranchSearch(b, step, side, kind);
  if (!failed && !*kind) failed = DiniBranchBack(b, begin);
  if (failed) { /* with these values, but not solved */
    PetscCall(VecCopy(begin, b->path.u));
    PetscCall(PetscObjectStateIncrease((PetscObject)b->path.u));
    PetscCall(DiniPathParameter_Private(b->dini, &b->path, b->path.start));
  }
  PetscCall(VecDestroy(&begin));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Goes over to the other branch where two cross, after DiniContinue() has ended with DINI_CONTINUATION_BIFURCATION.
  @level{advanced}

  Collective. The null vector of J is found by tangent solves at the present point, which lies next to the crossing; the forward solve
  is then tried beside the crossing, ahead of it first, from growing amplitudes of that vector. On success u and the parameter are on the
  other branch, and DiniContinue() follows it, to either side. Along a pitchfork it lies ahead of the crossing or behind it. When the
  call raises an error u and the parameter have the values that they had; call DiniSolve() before a derivative.

  @param[in]     dini     the Dini
  @param[in]     p        number of the parameter block that has been continued
  @param[in]     critical where branches cross, as DiniContinue() has reported it; in units of the parameter
  @param[in]     step     how far beside it to look, in these units; 0: a hundredth of its size, or of one where it is zero
  @param[in]     side     1 or -1: which way the state leans along the null vector, whose first large entry is positive
  @param[in,out] u        solution at the present value on entry; on the other branch on return
  @param[out]    kind     what crosses: both branches go on on both sides (transcritical), or the other one turns back (pitchfork);
                          DINI_BIFURCATION_NONE where no other branch has been found, with u and the parameter as they were. With
                          NULL that is an error
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED, PETSC_ERR_ARG_OUTOFRANGE, and those of DiniContinue()

  @see DiniContinue()
*/
PetscErrorCode DiniSwitchBranch(Dini dini, PetscInt p, PetscReal critical, PetscReal step, PetscInt side, Vec u,
                                DiniBifurcation *kind)
{
  DiniBranch      b     = {.dini = dini, .critical = critical};
  DiniBifurcation found = DINI_BIFURCATION_NONE;
  PetscBool       erroriffail;
  DiniAdjointType adjointtype;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSwitchBranch()"));
  PetscCall(DiniBranchCheck(dini, p, critical, step, side, u));
  if (step == 0.0) step = 0.01 * (critical != 0.0 ? PetscAbsReal(critical) : 1.0);
  PetscCall(DiniPathCreate_Private(dini, p, critical, u, &b.path));
  PetscCall(VecDuplicate(u, &b.phi));
  PetscCall(VecDuplicate(u, &b.psi));
  PetscCall(VecDuplicate(u, &b.base));
  PetscCall(VecDuplicate(u, &b.t));
  PetscCall(VecDuplicate(u, &b.weight));
  erroriffail = dini->erroriffail;
  adjointtype = dini->adjointtype;
  PetscCall(DiniSetAdjointType(dini, DINI_ADJOINT_HERMITIAN));
  PetscCall(DiniSetErrorIfNotConverged(dini, PETSC_FALSE));
  failed = DiniBranchSwitch(&b, step, side, &found);
  PetscCall(DiniSetErrorIfNotConverged(dini, erroriffail));
  PetscCall(DiniSetAdjointType(dini, adjointtype));
  PetscCall(VecDestroy(&b.phi));
  PetscCall(VecDestroy(&b.psi));
  PetscCall(VecDestroy(&b.base));
  PetscCall(VecDestroy(&b.t));
  PetscCall(VecDestroy(&b.weight));
  PetscCall(DiniPathDestroy_Private(&b.path));
  PetscCall(failed);
  PetscCheck(kind || found, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
             "%s: No other branch has been found beside the crossing at %g, to the side %" PetscInt_FMT
             ". Try the other side, another step, and a present value nearer to it (DiniSetContinuation())",
             DiniLabel_Private(dini), (double)critical, side);
  if (kind) *kind = found;
  PetscFunctionReturn(PETSC_SUCCESS);
}
