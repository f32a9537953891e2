/* A field with a source and one more number, whose derivative may be zero. */
#pragma once
#include "dinitest.h"

/*
  F = u + u^3 - s - a(m, u) with m of three entries on any ranks. The kinds of a: m_0^2; m_0^3; m_0 u; m_0 exp(u / 10);
  m_0 (1 + u^2); nothing.
*/
typedef enum { SQUARE, CUBE, COEFFICIENT, FACTOR, QUADRATIC, NOTHING } SourcedKind;

typedef struct {
  SourcedKind kind;
  PetscScalar source, m; /* scalars in the application's context */
  Vec         u, r;
  Mat         J, Fm;
  SNES        snes;
  Dini        dini;
  PetscInt    source_block, block;
  PetscBool   wrong; /* J, where u is large */
} Sourced;

extern PetscErrorCode SourcedCreate(SourcedKind kind, PetscScalar source, PetscScalar m, Sourced *);
extern PetscErrorCode SourcedDestroy(Sourced *);
extern PetscErrorCode SourcedJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx);
/* The diagonal of J, or of -F_m */
extern PetscErrorCode SourcedDiagonal(const Sourced *, Vec u, PetscBool in_m, Vec d);
/* Solves there */
extern PetscErrorCode SourcedAt(Sourced *, PetscScalar source, PetscScalar m);
/* The sums of du/dm and of du/dsource by closed forms, against a VJP */
extern PetscErrorCode SourcedRight(Sourced *, const char what[]);
/* A VJP is an error with these words */
extern PetscErrorCode SourcedRefused(Sourced *, const char words[]);
