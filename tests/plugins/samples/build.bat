@echo off
rem build
call make.bat

if errorlevel 1 (
  echo failed
)
